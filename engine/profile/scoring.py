"""Which score is asked for, and on which texts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Scope = Literal["global", "per_layer", "per_tensor"]
"""Where the best are sought: in all slices together, in those of each layer, or in each parameter by itself. What lies
in no layer (the embedding) counts as one layer of its own."""


@dataclass(frozen=True)
class ScoreSpec:
    """A score and the texts it is accumulated over. Two equal specs on one model give the same scores.

    name: a score of the catalog.
    text: "auto", a bundled text, or a .txt file (relative to `folder`) with blank lines between documents; "auto" is
        "petri" for the petri models and "english" for all others.
    documents: how many documents at most.
    sample: (which, of how many): only every so many of those documents, from that one on.
    context: tokens in a window, cut to what the model reads. Windows do not overlap but for one token, so that each
        token after a document's first is predicted once.
    batch_size: windows in one backward pass. One pass needs gradients of one tensor at a time; several need one number
        a weight to add them up in. The score does not depend on it, but for rounding. `grad_squared` takes every
        window by itself.
    seed, probes: the random vectors of `hutchinson`, and how many; nothing else draws.
    """

    name: str
    text: str = "auto"
    documents: int = 8
    context: int = 256
    batch_size: int = 8
    sample: tuple[int, int] = (0, 1)
    seed: int = 0
    probes: int = 8
    folder: Path = Path()
