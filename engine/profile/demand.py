"""What a measurement demands of a model, as its table tells before any is loaded: memory, time, scores."""

from dataclasses import dataclass

from engine.profile.layers import Layers

Group = tuple[str, *tuple[Layers | None, ...]]
"""A parameter group, then the layers, heads and experts that narrow it."""

USUAL_CONTEXT = 2048
"""Tokens that a model reads at once, where only the number of windows depends on it."""

_CHARACTERS_A_TOKEN = 4.5
_FEWEST_CHARACTERS = 3


def tokens(text: str) -> int:
    """About how many tokens a text has, before a tokenizer has seen it: what time depends on."""
    return round(len(text) / _CHARACTERS_A_TOKEN) + 1


def most_tokens(text: str) -> int:
    """The same, rather too many than too few: what memory depends on."""
    return len(text) // _FEWEST_CHARACTERS + 1


@dataclass(frozen=True)
class Load:
    """What one measurement runs: batches of `rows` texts of `tokens` (None: the model's context) in one pass.

    name: the measurement, as batch sizes are kept by.
    texts: how many there are (None: enough); a batch of more rows is not filled.
    logits: tokens of each text turned into predictions at once (None: all).
    block: bytes of float32 logits that predictions are made in instead, block by block, where not 0.
    cache: whether keys and values are kept; sampled: whether tokens are drawn.
    kept: tokens whose last hidden states on the undamaged model are kept, in main memory; then a copy of the head too.
    starts: whether passes may start at the first damaged layer; what entered it is kept, in main memory, of all texts.
    grams: layers of whose outputs a float64 Gram matrix is made.
    """

    rows: int
    tokens: int | None
    logits: int | None = None
    cache: bool = False
    name: str = ""
    texts: int | None = None
    block: int = 0
    sampled: bool = False
    kept: int = 0
    starts: bool = False
    grams: int = 0

    @property
    def filled(self) -> int:
        """The rows of the largest batch."""
        return self.rows if self.texts is None else min(self.rows, self.texts)


@dataclass(frozen=True)
class Effort:
    """What a measurement, or a method, has a model compute in one trial, if no text ends early: passes, tokens in all
    of them, and tokens turned into predictions, by so many heads (the damaged one, and the undamaged one beside it)."""

    passes: float
    tokens: float
    predicted: float
    heads: int = 1


@dataclass(frozen=True)
class Training:
    """What a method that trains holds beside the weights, the snapshot of them, and the batch that it reads.

    tokens: that a step reads.
    states: numbers that the optimiser keeps of each that trains; `eight_bit`: in a byte each.
    wide: whether weights in 16 bits take their steps in float32, a parameter at a time; states are float32 then.
    together: whether all gradients are alive at once.
    checkpointing: whether the activations of all blocks but one are computed anew.
    rank: of adapters that train instead of the weights; 0: the weights train.
    directions: that are sought through second derivatives, and kept in main memory; 0: none are.
    """

    tokens: int
    states: float
    eight_bit: bool = False
    wide: bool = False
    together: bool = False
    checkpointing: bool = False
    rank: int = 0
    directions: int = 0
