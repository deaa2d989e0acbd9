"""The bundled family of tiny language models, from petri-4k to petri-1m: small enough to break in seconds on a laptop.

Importing this package loads no torch: it names the folders, says how large each model is, and composes text that none
of them was trained on.
"""

from dataclasses import dataclass
from pathlib import Path

from engine.petri.grammar import generate

VOCABULARY = 512
"""Tokens in the vocabulary that all sizes share."""

CONTEXT = 256
"""The longest sequence, in tokens, a petri model reads."""

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Size:
    """The shape of one model: blocks, width of the residual stream, attention heads."""

    layers: int
    hidden: int
    heads: int

    @property
    def embedding(self) -> int:
        """Parameters of the input embedding and of the untied output projection together."""
        return 2 * VOCABULARY * self.hidden

    @property
    def non_embedding(self) -> int:
        """Parameters of the blocks and of the last layer norm: everything but the two embeddings."""
        block = 12 * self.hidden**2 + 13 * self.hidden
        return self.layers * block + 2 * self.hidden


SIZES: dict[str, Size] = {
    "petri-4k": Size(layers=2, hidden=12, heads=2),
    "petri-16k": Size(layers=3, hidden=20, heads=2),
    "petri-60k": Size(layers=3, hidden=40, heads=4),
    "petri-250k": Size(layers=5, hidden=64, heads=4),
    "petri-1m": Size(layers=9, hidden=96, heads=6),
}
"""Every size by name, smallest first."""

PETRI: dict[str, Path] = {name: WEIGHTS / name for name in SIZES}
"""The folder of every model, for `from_pretrained`."""


def held_out(seed: int, documents: int) -> list[str]:
    """Texts that training never saw, the same for the same seed. Each holds some 60 to 200 tokens on one line.

    Raises ValueError when `documents` is negative.
    """
    return generate("held-out", seed, documents)
