"""How much memory work on a model takes beside its weights: formulas over its shape, all in bytes."""

from dataclasses import dataclass, replace
from typing import Any

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


def training(work: Training, shape: Shape, weights: int, largest: int, sides: int, *, on_gpu: bool) -> int:
    """What training holds at its peak, on a group whose parameters have so many weights, the largest of them `largest`,
    and rows and columns `sides` in all: the optimiser's state, gradients, and what is kept of the forward pass;
    adapters, where they train instead. A search for directions holds a graph that can be derived again, and its
    vectors; directions that it has are in main memory."""
    numbers = work.rank * sides if work.rank else weights
    single = min(largest, numbers)
    wide = work.wide and shape.itemsize == 2
    state = numbers * work.states * (1 if work.eight_bit else 4 if wide else shape.itemsize)
    gradients = numbers * shape.itemsize if work.together else 2 * single * shape.itemsize
    stepping = single * (4 * 4 if wide else 2 * shape.itemsize)
    adapters = numbers * shape.itemsize if work.rank else 0
    load = Load(1, work.tokens, logits=0)
    step = state + gradients + stepping + (_checkpointed(load, shape) if work.checkpointing else _graph(load, shape))
    vectors = _SEARCHING + (0 if on_gpu else work.directions)
    search = _TWICE * _graph(load, shape) + vectors * numbers * shape.itemsize if work.directions else 0
    return adapters + int(max(step, search))


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
