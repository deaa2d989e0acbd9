"""Super weights: single weights of an MLP's last matrix that make an activation spike (Yu et al. 2024).

A super weight multiplies an input channel that is huge at some token and so makes one output channel huge. Both are
seen in one forward pass; whether the weight matters is then tried by zeroing it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module, Parameter

from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.profile.scoring import ScoreSpec
from engine.reading.encoding import encode
from engine.scores.owners import Owner, owners
from engine.scores.reading import Reading
from engine.scores.score import names
from engine.weights.slices import Slice


@dataclass(frozen=True)
class Spike:
    """The largest input and the largest output, by size, of one layer's last MLP matrix, over all tokens of a text.

    `input` and `output` are signed, each with its channel and token. `index` is where in `parameter` the weight lies
    that leads from the one channel to the other, `weight` its value, `share` how much of the output it makes:
    weight x input at the output's token / output. A super weight has a share near 1.
    """

    layer: int
    parameter: str
    index: tuple[int, int]
    weight: float
    input: float
    in_channel: int
    in_token: int
    output: float
    out_channel: int
    out_token: int
    share: float


@dataclass(frozen=True)
class Confirmation:
    """Mean loss in nats/token: of the model as it is, without the spike's weight, and, as a control, without the
    largest other weight of the same matrix instead."""

    spike: Spike
    nll: float
    nll_without: float
    nll_control: float


def spikes(loaded: LoadedModel, text: str) -> list[Spike]:
    """The spikes of every layer, from one forward pass over `text` (cut to what the model reads at once).

    Raises LesionError for experts, which have no single last matrix, and for a text without a token.
    """
    down = loaded.architecture.slices("mlp_down")
    if any(piece.packed for piece in down):
        raise LesionError(f"super weights on {loaded.name}: its weights are stored as codes: leave model.load_in out")
    linear = owners(loaded.model, {piece.parameter: piece.tensor for piece in down})
    if others := [piece.parameter for piece in down if piece.parameter not in linear]:
        raise LesionError(f"super weights on {loaded.name}: {names(others)} is not the matrix of one linear layer")
    tokens = encode(loaded.tokenizer, text)[: loaded.architecture.context]
    if not tokens:
        raise LesionError(f"super weights on {loaded.name}: the text holds no token; give at least one word")
    seen: dict[str, Spike] = {}

    def keep(piece: Slice, module: Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        name = piece.parameter  # looked at now: some models write into the output a moment later
        rows = args[0].flatten(0, -2), output.flatten(0, -2)
        seen[name] = _spike(piece.layer or 0, name, piece.tensor, linear[name], *rows)

    hooks = [linear[piece.parameter].module.register_forward_hook(partial(keep, piece)) for piece in down]
    try:
        with torch.inference_mode():
            ids = torch.tensor([tokens], device=loaded.device)
            loaded.architecture.decoder(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return [seen[piece.parameter] for piece in down]


def super_weights(layer_spikes: Sequence[Spike], *, times: float = 10.0, share: float = 0.5) -> list[Spike]:
    """The spikes that one weight makes, largest output first: the output is `times` the median of all layers, or more,
    and at least `share` of it comes from the weight."""
    chosen = [
        spike for spike in layer_spikes if abs(spike.output) >= times * typical(layer_spikes) and spike.share >= share
    ]
    return sorted(chosen, key=lambda spike: -abs(spike.output))


def typical(layer_spikes: Sequence[Spike]) -> float:
    """The median of the outputs' sizes over all layers; of an even number of layers the mean of the two in the middle,
    and nan where one is no number."""
    return float(np.median([abs(spike.output) for spike in layer_spikes]))


def height(layer_spikes: Sequence[Spike]) -> float:
    """The largest output's size over the median of all layers: inf over a median of 0, nan where all outputs are 0 or
    one is no number."""
    largest = np.max([abs(spike.output) for spike in layer_spikes])
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(largest / np.float64(typical(layer_spikes)))


def confirm(loaded: LoadedModel, candidates: Sequence[Spike], spec: ScoreSpec) -> list[Confirmation]:
    """Zero each candidate by itself and measure the loss on the texts of `spec` (its score plays no part).

    The weights are put back bit for bit.
    """
    reading = Reading(loaded, spec)
    parameters = dict(loaded.model.named_parameters())
    before = reading.nll()
    confirmations = []
    for spike in candidates:
        weights = parameters[spike.parameter].detach()
        with _zeroed(weights, spike.index):
            after = reading.nll()
            other = divmod(int(weights.abs().argmax()), weights.shape[1])
        with _zeroed(weights, other):
            confirmations.append(Confirmation(spike, before, after, reading.nll()))
    return confirmations


def _spike(layer: int, name: str, weights: Parameter, owner: Owner, inputs: Tensor, outputs: Tensor) -> Spike:
    in_token, in_channel = divmod(int(inputs.abs().argmax()), inputs.shape[1])
    out_token, out_channel = divmod(int(outputs.abs().argmax()), outputs.shape[1])
    index = owner.entry(out_channel, in_channel)
    weight, output = float(weights.detach()[index]), float(outputs[out_token, out_channel])
    share = weight * float(inputs[out_token, in_channel]) / output if output else float("nan")
    return Spike(
        layer,
        name,
        index,
        weight,
        float(inputs[in_token, in_channel]),
        in_channel,
        in_token,
        output,
        out_channel,
        out_token,
        share,
    )


@contextmanager
def _zeroed(weights: Tensor, index: tuple[int, int]) -> Iterator[None]:
    kept = weights[index].clone()
    weights[index] = 0
    try:
        yield
    finally:
        weights[index] = kept
