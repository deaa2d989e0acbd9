"""Tiny untrained image-text models with real processors, and pictures to show them."""

from pathlib import Path
from typing import Any

KINDS = ["gemma3", "llava"]
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<{{ message['role'] }}>{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}PICTURE{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<bot>{% endif %}"
)
_TEXT: dict[str, Any] = {
    "vocab_size": 272,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 256,
    "eos_token_id": 257,
    "pad_token_id": 258,
}
_VISION = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}


def save(kind: str, folder: Path) -> Path:
    """A model of a kind, with its processor, in `folder`. Four of its tokens stand for a picture; context 128."""
    import torch

    torch.manual_seed(1)
    model, processor = _gemma3() if kind == "gemma3" else _llava()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def picture(seed: int = 0) -> Any:
    """A drawing of its own for each seed, 60 by 40 pixels."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (60, 40), (40 * seed % 256, 200, 90))
    draw = ImageDraw.Draw(image)
    draw.ellipse([5 + 9 * seed, 5, 30 + 9 * seed, 30], "red")
    draw.rectangle([35, 20, 58, 38], "blue")
    return image


def qwen2_vl() -> Any:
    """A tiny Qwen2-VL, whose picture tokens have positions by time, height and width. Its processor needs torchvision;
    the model does not."""
    import torch
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10_000.0}
    config = Qwen2VLConfig(
        text_config=_TEXT | {"rope_parameters": rope},
        vision_config={"depth": 1, "embed_dim": 16, "hidden_size": 32, "num_heads": 2, "patch_size": 14},
        image_token_id=261,
        video_token_id=262,
        vision_start_token_id=259,
        vision_end_token_id=260,
    )
    torch.manual_seed(2)
    model = Qwen2VLForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model.eval()


def _gemma3() -> tuple[Any, Any]:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    kinds = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 16, "head_dim": 16}
    config = Gemma3Config(
        text_config=_TEXT | kinds | {"model_type": "gemma3_text"},
        vision_config=_VISION | {"num_hidden_layers": 1},
        mm_tokens_per_image=4,
        boi_token_index=259,
        eoi_token_index=260,
        image_token_index=261,
    )
    scaler = Gemma3ImageProcessorPil(size={"height": 28, "width": 28})
    template = TEMPLATE.replace("PICTURE", "<boi>")
    return Gemma3ForConditionalGeneration(config), Gemma3Processor(scaler, _tokenizer(), template, image_seq_length=4)


def _llava() -> tuple[Any, Any]:
    from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    config = LlavaConfig(
        text_config=_TEXT | {"model_type": "llama"},
        vision_config=_VISION | {"num_hidden_layers": 2, "model_type": "clip_vision_model", "projection_dim": 16},
        image_token_index=261,
        image_seq_length=4,
    )
    scaler = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    template = TEMPLATE.replace("PICTURE", "<img>")
    shape = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    processor = LlavaProcessor(scaler, _tokenizer(), chat_template=template, image_token="<img>", **shape)
    return LlavaForConditionalGeneration(config), processor


def _tokenizer() -> Any:
    """Bytes; from 256: BOS, EOS, padding, and what surrounds and stands for a picture."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>", "<pad>", "<boi>", "<eoi>", "<img>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 256)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens={"boi_token": "<boi>", "eoi_token": "<eoi>", "image_token": "<img>"},
    )
