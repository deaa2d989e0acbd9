"""Loading a model and its tokenizer, with one clear sentence for everything that can be wrong with them."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from engine.errors import LesionError, RemoteCodeError
from engine.models import packing
from engine.models.architecture import Architecture, architecture
from engine.models.exhaustion import is_out_of_memory
from engine.models.files import check_files
from engine.models.sight import auto_class, load_processor
from engine.models.source import Source, UnreachableError, find, gated
from engine.profile import ModelSpec
from engine.weights.packed import unchanging
from engine.weights.snapshot import weights_digest

_NO_NETWORK = {"ConnectError", "ConnectTimeout", "ReadTimeout", "LocalEntryNotFoundError", "OfflineModeIsEnabled"}
_NOT_GIVEN = {"GatedRepoError"}


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to be damaged and measured: in eval mode, without gradients, on `device`.

    `revision` is the commit on the Hub where there is one, `digest` the sha256 of the weights as loaded.
    """

    name: str
    model: Any
    tokenizer: Any
    architecture: Architecture
    device: torch.device
    dtype: torch.dtype
    revision: str | None
    digest: str
    processor: Any = None
    """Where pictures were asked for: what turns them into inputs."""


def load(
    spec: ModelSpec,
    name: str,
    device: torch.device,
    *,
    place: str | None = None,
    trust_remote_code: bool = False,
    pictures: bool = False,
) -> LoadedModel:
    """Load the model called `name` (a bundled one, a folder, a .gguf file or a Hub id) as `spec` says; `place`: where
    its files are, if its name does not say so; `pictures`: with its processor, before its weights.

    Raises LesionError, in one sentence that names the model, for whatever keeps it from being loaded.
    """
    source = find(spec, place or name)
    with translated(source):
        tokenizer = _tokenizer(source, trust_remote_code)
        processor = load_processor(source, trust_remote_code) if pictures else None
        config = configuration(source, trust_remote_code)
        packed = packing.options(spec, source, config, device)
        check_files(spec, source, config)
        model = _weights(source, spec, trust_remote_code, pictures, packed or _spread(spec, device))
    parts = architecture(model)
    if spec.device_map:
        _check_spread(name, model)
        device = parts.embedding.weight.device  # type: ignore[assignment]
    elif packed:
        packing.check_packed(name, model, {id(part.weight) for part in (parts.embedding, parts.head)}, device)
        unchanging(model)
    else:
        model = model.to(device)  # packed ones are there, and refuse to be moved
    model = model.eval().requires_grad_(False)
    dtype = parts.embedding.weight.dtype
    assert isinstance(dtype, torch.dtype)
    return LoadedModel(name, model, tokenizer, parts, device, dtype, source.revision, weights_digest(model), processor)


def _spread(spec: ModelSpec, device: torch.device) -> dict[str, Any]:
    """What `from_pretrained` is told where the model is to be spread over devices."""
    if not spec.device_map:
        return {}
    return {"device_map": spec.device_map if device.type == "cuda" else {"": "cpu"}}


def _check_spread(name: str, model: Any) -> None:
    """Raises LesionError where part of the model had to stay outside of the GPUs, as stand-ins without weights."""
    absent = sum(parameter.numel() for parameter in model.parameters() if parameter.is_meta)
    if absent:
        raise LesionError(
            f"{name} does not fit on the GPUs: {absent:,} of its weights would be fetched from main memory or disk as "
            'they are needed, and those cannot be damaged; use more GPUs, a smaller dtype, or device = "cpu"'
        )


def configuration(source: Source, trust_remote_code: bool) -> Any:
    """The model's configuration. Raises LesionError as `load` does."""
    from transformers import AutoConfig

    with translated(source):
        return AutoConfig.from_pretrained(source.place, trust_remote_code=trust_remote_code, **source.options)


@contextmanager
def translated(source: Source) -> Iterator[None]:
    """Silences transformers, and turns what it and the libraries below it raise into a LesionError."""
    with silenced():
        try:
            yield
        except LesionError:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise  # not a mistake of the user's: a trial that does not fit
            raise _kind(error)(_sentence(source, error)) from error


@contextmanager
def silenced() -> Iterator[None]:
    """While entered transformers neither warns nor draws bars."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def own_tokenizer(source: Source, trust_remote_code: bool) -> Any:
    """The model's tokenizer as its files have it. Raises LesionError for files that are no JSON, else as transformers
    does: to be called inside of `translated`."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(source.place, trust_remote_code=trust_remote_code, **source.options)
    except json.JSONDecodeError as error:
        raise LesionError(f"{source.name}: a file of the tokenizer is not valid JSON ({error})") from error


def _tokenizer(source: Source, trust_remote_code: bool) -> Any:
    tokenizer = own_tokenizer(source, trust_remote_code)
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        text = "has no tokenizer: tokenizer.json, or the files it can be made of, must lie beside the weights"
        raise LesionError(f"{source.name} {text}")
    if tokenizer.pad_token_id is None:
        # Padding is masked wherever it is used: any token will do.
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def _weights(source: Source, spec: ModelSpec, trust_remote_code: bool, pictures: bool, placed: dict[str, Any]) -> Any:
    dtype = spec.dtype if spec.dtype == "auto" else getattr(torch, spec.dtype)
    options = {**source.options, **placed}
    if not source.gguf:
        options["use_safetensors"] = None if spec.allow_pickle else True
    auto = auto_class(configuration(source, trust_remote_code), pictures)
    model, report = auto.from_pretrained(
        source.place, dtype=dtype, trust_remote_code=trust_remote_code, output_loading_info=True, **options
    )
    if missing := sorted(report["missing_keys"]):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise LesionError(f"the files of {source.name} lack weights that its config.json asks for: {missing[0]}{more}")
    if source.gguf:
        _forget_quantisation(model)
    return model


def _forget_quantisation(model: Any) -> None:
    """A .gguf file is loaded into ordinary dense weights, but the model still says that it is quantised."""
    for owner, mark in (
        (model, "hf_quantizer"),
        (model, "is_quantized"),
        (model, "quantization_method"),
        (model.config, "quantization_config"),
    ):
        if mark in vars(owner):
            delattr(owner, mark)


def _kind(error: Exception) -> type[LesionError]:
    if _kinds(error) & (_NO_NETWORK | _NOT_GIVEN):
        return UnreachableError
    return RemoteCodeError if _wants_code(error) else LesionError


def _wants_code(error: Exception) -> bool:
    """Whether transformers says that the model would run code of its own."""
    return any("trust_remote_code" in str(cause) for cause in _causes(error))


def _sentence(source: Source, error: Exception) -> str:
    """What a user can make of an exception of transformers, huggingface_hub or safetensors."""
    name, kinds = source.name, _kinds(error)
    text = " ".join(str(cause) for cause in _causes(error))
    if kinds & _NOT_GIVEN:
        return gated(name)
    if "SafetensorError" in kinds:
        return f"a weight file of {name} is damaged or cut short ({error}): fetch it again"
    if _wants_code(error):
        return f"{name} brings program code of its own, which runs only with --trust-remote-code"
    if "Error no file named" in text or "does not appear to have a file named" in text:
        return _no_weights(source)
    if source.gguf and (isinstance(error, struct.error | ValueError | IndexError | KeyError)):
        return f"{name} cannot be read as a GGUF model: {_first_line(error)}"
    if "not a valid JSON" in text or "JSONDecodeError" in kinds:
        return f"{name}: config.json is not valid JSON; fetch it again"
    if "Should have a `model_type`" in text or "does not recognize this architecture" in text:
        return f"{name}: config.json names no model_type that the installed transformers knows"
    if "ignore_mismatched_sizes" in text:
        return f"the weights of {name} do not have the shapes that its config.json asks for"
    if kinds & _NO_NETWORK:
        return f"{name} is not complete in the cache of this host, and the Hugging Face Hub cannot be reached"
    return f"{name} cannot be loaded: {_first_line(error)}"


def _no_weights(source: Source) -> str:
    folder = source.folder
    if folder is None or any(folder.glob("*.bin")):
        return (
            f"{source.name} has its weights as pickles only (pytorch_model.bin), which can run code when loaded: "
            "set model.allow_pickle = true if you trust them"
        )
    return f"{source.name} has no weights: there is no model.safetensors in this folder"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _kinds(error: BaseException) -> set[str]:
    return {type(cause).__name__ for cause in _causes(error)}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{lines[0]} ({type(error).__name__})" if lines else type(error).__name__
