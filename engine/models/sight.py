"""Models that see: which do, the class that loads them, and their processor, which turns pictures into inputs."""

from importlib.util import find_spec
from typing import Any

from engine.errors import LesionError
from engine.models.source import Source


def auto_class(config: Any, pictures: bool) -> Any:
    """The class of transformers that loads a model with this configuration: that of language models where it can,
    unless `pictures` are to be shown to the model."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if _sees(config) and (pictures or config.model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES):
        return AutoModelForImageTextToText
    return AutoModelForCausalLM


def check_sight(config: Any, name: str) -> None:
    """Raises LesionError for a model that takes no pictures. One that brings its own code is given the benefit of the
    doubt."""
    if not _sees(config) and not getattr(config, "auto_map", None):
        raise LesionError(_blind(name))


def load_processor(source: Source, trust_remote_code: bool) -> Any:
    """The model's processor: its tokenizer, its chat template and how it wants pictures.

    Raises LesionError for a model without one. Pictures are scaled with Pillow wherever transformers can, so that the
    result does not depend on whether torchvision is installed.
    """
    from transformers import AutoImageProcessor, AutoProcessor

    options = {"trust_remote_code": trust_remote_code, **source.options}
    try:
        processor = AutoProcessor.from_pretrained(source.place, **options)
    except (ImportError, AttributeError) as error:
        if find_spec("torchvision") is None:  # which many processors need, for videos if not for pictures
            text = f"the processor of {source.name} needs torchvision; install it with pip"
            raise LesionError(text) from error
        raise
    if not hasattr(processor, "image_processor"):
        raise LesionError(_blind(source.name))
    if type(processor.image_processor).__module__.startswith("transformers."):
        processor.image_processor = AutoImageProcessor.from_pretrained(source.place, backend="pil", **options)
    return processor


def _sees(config: Any) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    return config.model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES


def _blind(name: str) -> str:
    return f"{name} takes no pictures: it reads text only; name an image-text model, or leave the image out"
