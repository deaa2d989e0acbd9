"""Batch sizes that follow the memory there is: halved where it runs out, or nearly, and doubled again where there is
plenty. With plenty from the start they are what the profile says, so that results repeat to the last bit."""

from collections import Counter
from collections.abc import Mapping

PLENTY = 0.40
"""Below this share of the memory in use, at a trial's peak, batches that were made smaller may grow."""
TIGHT = 0.90
"""Above this a warning is given."""
FULL = 0.95
"""Above this the batch is halved before the next trial."""

_PATIENCE = 4
"""Trials in a row with plenty of memory before a batch grows; twice as many after each time that this was too early."""


class Batches:
    """The batch size of every measurement on every model, by the measurement's key.

    Args:
        asked: the profile's sizes.
        known: sizes that a model was brought to before.
    """

    def __init__(self, asked: Mapping[str, int], known: Mapping[str, Mapping[str, int]]) -> None:
        self._asked = dict(asked)
        self._now = {model: {**asked, **sizes} for model, sizes in known.items()}
        self._calm: Counter[str] = Counter()
        self._patience: dict[str, int] = {}
        self._grown: set[tuple[str, str]] = set()
        self._warned: set[tuple[str, str, int]] = set()

    def of(self, model: str) -> dict[str, int]:
        """The size of each measurement on this model."""
        return dict(self._now.get(model, self._asked))

    def halve(self, model: str, key: str) -> bool:
        """Halve a measurement's size on this model, from now on; False when it is 1 already."""
        sizes = self.of(model)
        self._calm[model] = 0
        if (model, key) in self._grown:
            self._grown.discard((model, key))
            self._patience[model] = 2 * self._patience.get(model, _PATIENCE)
        if sizes[key] == 1:
            return False
        self._now[model] = sizes | {key: sizes[key] // 2}
        return True

    def follow(self, model: str, use: Mapping[str, float]) -> list[str]:
        """Take in the largest share of the memory in use during each measurement of a trial; returns what to tell."""
        told = [sentence for key, share in use.items() if (sentence := self._pressed(model, key, share))]
        self._calm[model] = self._calm[model] + 1 if max(use.values(), default=1.0) < PLENTY else 0
        if self._calm[model] >= self._patience.get(model, _PATIENCE):
            self._calm[model] = 0
            told += [self._grow(model, key) for key, size in self.of(model).items() if size < self._asked[key]]
        return told

    def _pressed(self, model: str, key: str, share: float) -> str | None:
        """Halves where memory is full; a sentence about that, or a warning where it is tight, once for each size."""
        size = self.of(model)[key]
        full = f"{model}: {key} filled {share:.0%} of the memory"
        if share > FULL and self.halve(model, key):
            return f"{full}, now in batches of {self.of(model)[key]}"
        if share > TIGHT and (model, key, size) not in self._warned:
            self._warned.add((model, key, size))
            return f"{full} in batches of {size}"
        return None

    def _grow(self, model: str, key: str) -> str:
        """Back to the size that was halved to this one."""
        sizes, larger = self.of(model), self._asked[key]
        while larger // 2 > sizes[key]:
            larger //= 2
        self._now[model] = sizes | {key: larger}
        self._grown.add((model, key))
        return f"{model}: there is memory again, {key} in batches of {larger}"
