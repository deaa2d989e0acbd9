"""Forward passes written out part by part, in float64, one text at a time, without hooks or padding."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.models.loading import LoadedModel


@dataclass
class Step:
    """One block on one text: float64 tensors [tokens, width]."""

    before: Tensor
    attention_in: Tensor
    attention_out: Tensor
    mlp_in: Tensor
    mlp_out: Tensor

    @property
    def after(self) -> Tensor:
        """What the block returns."""
        return self.before + self.attention_out + self.mlp_out


def doubled(loaded: LoadedModel) -> Any:
    """A copy of the model in float64."""
    return deepcopy(loaded.model).double()


@torch.no_grad()
def walk(loaded: LoadedModel, text: str, model: Any = None) -> tuple[list[Step], Tensor]:
    """Every block's step, and the model's final hidden state [tokens, width]. Checked against the whole model.

    `model`: what `doubled` gives, where many texts are walked.
    """
    model = model or doubled(loaded)
    ids = torch.tensor([loaded.tokenizer(text)["input_ids"]])
    whole = model(input_ids=ids, output_hidden_states=True)
    steps = {"llama": _llama, "gpt2": _gpt2, "neox": _neox}[loaded.architecture.name](model, ids)
    for step, expected in zip(steps, whole.hidden_states, strict=False):
        torch.testing.assert_close(step.before, expected[0])
    return steps, whole.hidden_states[-1][0]


def _llama(model: Any, ids: Tensor) -> list[Step]:
    stream = model.model.embed_tokens(ids)
    rotary = model.model.rotary_emb(stream, torch.arange(ids.shape[1]).unsqueeze(0))
    steps = []
    for block in model.model.layers:
        entry = block.input_layernorm(stream)
        attended = block.self_attn(hidden_states=entry, position_embeddings=rotary, attention_mask=None)[0]
        middle = block.post_attention_layernorm(stream + attended)
        mlp = block.mlp
        gated = torch.nn.functional.silu(middle @ mlp.gate_proj.weight.T) * (middle @ mlp.up_proj.weight.T)
        steps.append(Step(stream[0], entry[0], attended[0], middle[0], (gated @ mlp.down_proj.weight.T)[0]))
        stream = steps[-1].after.unsqueeze(0)
    return steps


def _gpt2(model: Any, ids: Tensor) -> list[Step]:
    stream = model.transformer.wte(ids) + model.transformer.wpe(torch.arange(ids.shape[1]))
    steps = []
    for block in model.transformer.h:
        entry = block.ln_1(stream)
        attended = block.attn(entry, attention_mask=None)[0]
        middle = block.ln_2(stream + attended)
        opened = torch.nn.functional.gelu(middle @ block.mlp.c_fc.weight + block.mlp.c_fc.bias, approximate="tanh")
        closed = opened @ block.mlp.c_proj.weight + block.mlp.c_proj.bias
        steps.append(Step(stream[0], entry[0], attended[0], middle[0], closed[0]))
        stream = steps[-1].after.unsqueeze(0)
    return steps


def _neox(model: Any, ids: Tensor) -> list[Step]:
    stream = model.gpt_neox.embed_in(ids)
    rotary = model.gpt_neox.rotary_emb(stream, torch.arange(ids.shape[1]).unsqueeze(0))
    steps = []
    for block in model.gpt_neox.layers:
        entry = block.input_layernorm(stream)
        attended = block.attention(entry, attention_mask=None, position_embeddings=rotary)[0]
        middle = block.post_attention_layernorm(stream)  # attention and MLP stand side by side
        mlp = block.mlp
        opened = torch.nn.functional.gelu(middle @ mlp.dense_h_to_4h.weight.T + mlp.dense_h_to_4h.bias)
        closed = opened @ mlp.dense_4h_to_h.weight.T + mlp.dense_4h_to_h.bias
        steps.append(Step(stream[0], entry[0], attended[0], middle[0], closed[0]))
        stream = steps[-1].after.unsqueeze(0)
    return steps
