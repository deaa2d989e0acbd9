"""How much memory work on a model takes beside its weights: formulas over its shape, all in bytes."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from engine.models.architecture import Architecture
from engine.profile.demand import Load, Training

_BLOCKS = 11
"""Blocks of float32 logits that a perplexity has alive at once: two, and on a GPU the same and their exponentials in
float64, with a mask."""

_TWICE = 3
"""Graphs of a forward pass that a gradient holds which can be derived again."""

_SEARCHING = 5
"""Vectors as large as all that trains, alive in a search for a direction: the gradient, three of the search's own, and
one that is being made."""

SMALL = 1 << 18
"""Weights below which a tensor is small: it trains together with the others that are."""

_HEAP, _PROCESS = 1.1, 5_000_000
"""On the CPU training takes this many times what its tensors hold, and so many bytes: what the C library's heap leaves
unused between them, and what autograd and its threads keep (measured; see benchmarks/training.py)."""

_SAMPLING = 24
"""Bytes a logit while a token is drawn: float32 of the finite ones, float64 of the noise, and once more to add them."""


@dataclass(frozen=True)
class Scoring:
    """A sensitivity score over `batches` of `rows` windows of `tokens`."""

    score: str
    rows: int
    tokens: int
    batches: int


@dataclass(frozen=True)
class Shape:
    """What the memory of a pass depends on: widths of the residual stream, the queries, keys and values together, the
    MLP; `gated` MLPs; bytes of a number."""

    width: int
    queries: int
    keys_values: int
    inner: int
    gated: bool
    layers: int
    cached: int
    """Keys and values of one token in all layers."""
    vocabulary: int
    context: int
    head: int
    """Weights of the output head."""
    itemsize: int

    @classmethod
    def of(cls, config: Any, parts: Architecture, itemsize: int) -> "Shape":
        """The shape of a model whose configuration and parts are these."""
        text = config.get_text_config()
        attention = max(parts.attentions, key=lambda attention: attention.q.length)
        inner = max(max(part.matrix.shape) for mlp in parts.mlps for part in mlp.parts)
        experts = any(mlp.experts for mlp in parts.mlps)
        return cls(
            width=text.hidden_size,
            queries=attention.q.length,
            keys_values=attention.k.length + attention.v.length,
            inner=inner * (getattr(text, "num_experts_per_tok", None) or 1 if experts else 1),
            gated=any(mlp.gate for mlp in parts.mlps),
            layers=len(parts.blocks),
            cached=sum(part.length for each in parts.attentions for part in (each.k, each.v)),
            vocabulary=text.vocab_size,
            context=parts.context,
            head=sum(parameter.numel() for parameter in parts.head.parameters()),
            itemsize=itemsize,
        )

    def tokens(self, load: Load) -> int:
        """Tokens of a text as it is read."""
        return min(load.tokens or self.context, self.context)


def passing(load: Load, shape: Shape) -> int:
    """What a forward pass without gradients holds at its peak: the residual stream, the widest layer's inputs and
    outputs, the attention mask (its scores are never stored), predictions, keys and values, Gram matrices."""
    tokens, rows, width = shape.tokens(load), load.filled, shape.width
    attention = 3 * width + 3 * shape.queries + 2 * shape.keys_values
    mlp = 3 * width + (3 if shape.gated else 2) * shape.inner
    hidden = rows * tokens * max(attention, mlp) * shape.itemsize
    mask = rows * tokens**2 * (1 + shape.itemsize)
    cache = rows * tokens * shape.cached * shape.itemsize if load.cache else 0
    grams = load.grams * 8 * width**2 + (8 * (2 * width**2 + rows * tokens * width) if load.grams else 0)
    return hidden + mask + cache + grams + _predicting(load, shape, rows * tokens)


def _predicting(load: Load, shape: Shape, tokens: int) -> int:
    if load.block:
        return _BLOCKS * min(load.block, tokens * shape.vocabulary * 4)
    predicted = tokens if load.logits is None else load.filled * load.logits
    each = shape.itemsize + 8 + (_SAMPLING if load.sampled else 0)
    return predicted * shape.vocabulary * each


def keeping(load: Load, shape: Shape) -> int:
    """What a measurement keeps of the undamaged model, in main memory: last hidden states, and the head's weights; the
    residual stream at one layer."""
    last = load.kept * shape.width + shape.head if load.kept else 0
    stream = (load.texts or load.rows) * shape.tokens(load) * shape.width if load.starts else 0
    return (last + stream) * shape.itemsize


def scoring(work: Scoring, shape: Shape, weights: int, largest: int) -> int:
    """What a score holds at its peak, on a group whose parameters have so many weights, the largest of them `largest`.

    Gradients are taken in one tensor at a time; where several batches are added up, one float32 a weight stays.
    """
    load = Load(work.rows, work.tokens, logits=0)
    match work.score:
        case "magnitude":
            return 8 * largest
        case "act_magnitude":
            return passing(load, shape) + 12 * largest
        case "hutchinson":
            return 2 * _graph(load, shape) + 16 * weights
    return _graph(load, shape) + 12 * largest + (4 * weights if work.batches > 1 else 0)


@dataclass(frozen=True)
class Trained:
    """The tensors that train: weights in all, of the largest, of the small ones; rows and columns of all matrices and
    of the largest one; the weights of an embedding that is the output head as well."""

    weights: int
    largest: int
    small: int
    sides: int
    longest: int
    tied: int

    @classmethod
    def of(cls, tensors: Collection[Tensor], parts: Architecture) -> "Trained":
        """Of these parameters of a model with these parts."""
        sides = [sum(tensor.shape) for tensor in tensors if tensor.dim() == 2]
        return cls(
            weights=sum(tensor.numel() for tensor in tensors),
            largest=max(tensor.numel() for tensor in tensors),
            small=sum(tensor.numel() for tensor in tensors if tensor.numel() < SMALL),
            sides=sum(sides),
            longest=max(sides, default=0),
            tied=sum(tensor.numel() for tensor in tensors if parts.tied and tensor is parts.head.weight),
        )


def training(work: Training, shape: Shape, trained: Trained, *, on_gpu: bool) -> int:
    """What training holds at its peak: the optimiser's state, gradients, and what is kept of the forward pass; where
    adapters train instead, these too. A search for directions holds a graph that can be derived again, and its vectors;
    directions that it has are in main memory."""
    adapted = work.rank > 0
    numbers = work.rank * trained.sides if adapted else trained.weights
    wide = work.wide and shape.itemsize == 2
    state = numbers * work.states * (1 if work.eight_bit else 4 if wide else shape.itemsize)
    load = Load(1, work.tokens, logits=0)
    graph = _checkpointed(load, shape) if work.checkpointing else _graph(load, shape)
    step = state + _stepping(work, shape, trained, graph, wide)
    vectors = _SEARCHING + (0 if on_gpu else work.directions)
    search = _TWICE * _graph(load, shape) + vectors * numbers * shape.itemsize if work.directions else 0
    peak = int(max(step, search)) + (numbers * shape.itemsize if adapted else 0)
    return peak if on_gpu else int(peak * _HEAP) + _PROCESS


def _stepping(work: Training, shape: Shape, trained: Trained, graph: int, wide: bool) -> int:
    """The graph, which shrinks on the way back, while gradients come: those of small tensors, or together those of all,
    stay to the end. A tied embedding's is not whole before its second use is there, at the end too, and their sum."""
    aside = 4 * 4 if wide else (2 if work.states else 0) * shape.itemsize
    if work.rank:
        return graph + work.rank * (trained.sides * shape.itemsize + trained.longest * aside)
    kept = (trained.weights if work.together else trained.small) * shape.itemsize
    last = trained.tied * max(3 * shape.itemsize, shape.itemsize + aside)
    first = trained.tied * shape.itemsize or trained.largest * (shape.itemsize + aside)
    return max(graph + first, kept + max(last, trained.largest * aside))


def _checkpointed(load: Load, shape: Shape) -> int:
    """What autograd keeps where blocks keep only what enters them, and compute the rest anew, one at a time."""
    entering = load.rows * shape.tokens(load) * shape.layers * shape.width * shape.itemsize
    return entering + _graph(load, replace(shape, layers=1))


def _graph(load: Load, shape: Shape) -> int:
    """What autograd keeps of a forward pass for the backward pass, and the loss over all tokens."""
    tokens = load.rows * shape.tokens(load)
    attention = 5 * shape.width + 3 * shape.queries + 2 * shape.keys_values
    layer = (attention + (4 if shape.gated else 2) * shape.inner) * shape.itemsize
    loss = shape.vocabulary * (2 * shape.itemsize + 12)
    return tokens * (shape.layers * layer + loss)
