"""Prompts about a picture: what a model's processor makes of them, one by one and as a batch."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engine.errors import LesionError

Beside = Mapping[str, Tensor]
"""What a model is given beside token ids, by the name of the argument; empty for plain text."""


@dataclass(frozen=True)
class Encoded:
    """One prompt: token ids, with those that stand for the picture, and what the model needs beside them.

    In `beside`, tensors [1, tokens] belong to the ids; all others are of the picture, and their first dimension counts
    pictures or parts of them.
    """

    ids: list[int]
    beside: dict[str, Tensor] = field(default_factory=dict)


def encode_about(processor: Any, prompts: Sequence[str], picture: bytes, *, chat: bool, name: str) -> list[Encoded]:
    """Each prompt behind the picture, through the processor's chat template or, without `chat`, its picture token.

    Raises LesionError, naming the model `name`, where the processor leaves the picture out or cannot take it.
    """
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as opened:
        image = opened.convert("RGB")
    try:
        return [_encode(processor, prompt, image, chat) for prompt in prompts]
    except LesionError as error:
        raise LesionError(f"generation on {name}: {error}", field="measure.image") from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        why = next(iter(str(error).strip().splitlines()), "no reason given")
        text = f"generation on {name}: its processor cannot take the picture: {why} ({type(error).__name__})"
        raise LesionError(text, field="measure.image") from error


def together(rows: Sequence[Encoded], device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    """What the model needs beside the ids of a batch padded on the left: tensors of ids are padded likewise with
    zeros, those of pictures follow one another. Numbers of pictures take the model's `dtype`."""
    length = max(len(row.ids) for row in rows)
    joined = {}
    for name in rows[0].beside:
        parts = []
        for row in rows:
            tensor = row.beside[name]
            if tensor.shape == (1, len(row.ids)):
                tensor = torch.nn.functional.pad(tensor, (length - len(row.ids), 0))
            parts.append(tensor.to(dtype) if tensor.is_floating_point() else tensor)
        joined[name] = torch.cat(parts).to(device)
    return joined


def picture_tokens(encoded: Encoded, config: Any) -> int | None:
    """How many of a prompt's tokens stand for the picture; None where the model's configuration does not say."""
    names = ("image_token_id", "image_token_index")
    token = next((token_id for name in names if (token_id := getattr(config, name, None)) is not None), None)
    return None if token is None else encoded.ids.count(token)


def _encode(processor: Any, prompt: str, image: Any, chat: bool) -> Encoded:
    if chat:
        parts = [{"type": "image", "image": image}, {"type": "text", "text": prompt}]
        encoding = processor.apply_chat_template(
            [{"role": "user", "content": parts}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
    else:
        token = getattr(processor, "image_token", None)
        if token is None:
            raise LesionError("its processor has no token for a picture; leave chat at 'auto' or true")
        encoding = processor(text=[f"{token}{prompt}"], images=[image], return_tensors="pt")
    inputs = {key: value for key, value in dict(encoding).items() if isinstance(value, Tensor)}
    ids: list[int] = inputs.pop("input_ids")[0].tolist()
    inputs.pop("attention_mask", None)
    if all(value.shape == (1, len(ids)) for value in inputs.values()):
        raise LesionError("its chat template leaves the picture out")
    return Encoded(ids, inputs)
