"""What a reader chooses before trials are summarised: metrics, filter, and what a law is held against."""

from dataclasses import dataclass

from engine.analysis.statistics.outliers import IQR_MULTIPLIER, ZSCORE_THRESHOLD, Rule
from engine.analysis.statistics.summary import CONFIDENCE
from engine.errors import LesionError, suggestion

RULES: tuple[Rule, ...] = ("none", "iqr", "zscore")


@dataclass(frozen=True)
class Choices:
    """How to analyse.

    Attributes:
        metrics: metrics, or changes of metrics; empty: what charts draw.
        models: only these; empty: all.
        absolute: take absolute values, as the sources did; how many changed sign is told.
        rule: which trials of a cell are left out as outliers, by `filter_metric` (None: by each metric itself).
        iqr_multiplier, zscore_threshold: how far the rule reaches.
        exponent: that laws are tested against; None: none.
        weighted: laws count models by their spread over seeds.
        pool: seeds of several runs are taken as one sample; otherwise each run is a sample of its own.
        confidence: of the intervals of means; seed: of their bootstrap.
    """

    metrics: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    absolute: bool = False
    rule: str = "none"
    filter_metric: str | None = None
    iqr_multiplier: float = IQR_MULTIPLIER
    zscore_threshold: float = ZSCORE_THRESHOLD
    exponent: float | None = None
    weighted: bool = False
    pool: bool = False
    confidence: float = CONFIDENCE
    seed: int = 0

    @property
    def applied(self) -> Rule:
        """The rule. Raises LesionError for one that there is not."""
        for known in RULES:
            if known == self.rule:
                return known
        listed = ", ".join(RULES)
        raise LesionError(f"there is no filter '{self.rule}'{suggestion(self.rule, RULES)}: {listed} are known")

    @property
    def limit(self) -> float | None:
        """How far the rule reaches."""
        return {"none": None, "iqr": self.iqr_multiplier, "zscore": self.zscore_threshold}[self.applied]

    def check(self) -> None:
        """Raises LesionError for a rule that there is not, and for a reach that is not above 0."""
        _ = self.applied
        for name, value in (("multiplier", self.iqr_multiplier), ("threshold", self.zscore_threshold)):
            if not 0 < value < 1e9:
                raise LesionError(f"the {name} of a filter is above 0, not {value:g}")
