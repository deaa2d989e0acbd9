"""The [analysis] table: how the trials of a run are summarised. None of it changes a trial."""

from typing import Literal

from pydantic import Field

from engine.profile.fields import Bool, Float, Int, Table, Text

FilterMethod = Literal["none", "iqr", "zscore"]


class Reference(Table):
    """A model that was measured elsewhere, for laws over model size; it is marked wherever it appears."""

    name: Text = Field(min_length=1, description="what the model is called")
    metric: Text = Field(min_length=1, description="of which metric the value is")
    params: Float = Field(gt=0, description="its parameters")
    value: Float = Field(gt=0, description="what was measured on it, undamaged")


class Analysis(Table):
    """What a report is of, and by which rules. `lesion analyze` starts from the table of the run's profile."""

    metrics: tuple[Text, ...] = Field((), description="metrics, or their changes; empty: what charts draw")
    models: tuple[Text, ...] = Field((), description="only these models; empty: all")
    relative: Bool = Field(False, description="take every metric's change from the undamaged model, in percent")
    absolute: Bool = Field(False, description="take absolute values, and say how many changed sign")
    filter_method: FilterMethod = Field(
        "none", title="filter", description="which trials of a cell are left out as outliers"
    )
    filter_metric: Text | None = Field(
        None, title="filter by", description="the metric that the filter looks at; unset: each its own"
    )
    filter_iqr_multiplier: Float = Field(
        1.5, gt=0, le=1e6, title="iqr reach", description="iqr: interquartile ranges from the quartiles to the bounds"
    )
    filter_zscore_threshold: Float = Field(
        3.0, gt=0, le=1e6, title="zscore reach", description="zscore: sample deviations from the mean to the bounds"
    )
    confidence: Float = Field(0.95, ge=0.5, lt=1, description="of every interval")
    bootstrap_seed: Int = Field(
        0, ge=0, le=2**31 - 1, title="draws from", description="of the draws that intervals of means rest on"
    )
    exponent: Float | None = Field(
        None, description="the exponent that laws over model size are tested against; unset: none, of MLP gains 0.35"
    )
    weighted: Bool = Field(False, description="in these laws a model counts by its spread over seeds")
    references: tuple[Reference, ...] = Field(
        (), description='models measured elsewhere: { name = "x", metric = "mlp_gain_last", params = 7e9, value = 6.2 }'
    )
    pool: Bool = Field(False, description="take the seeds of several runs as one sample")
    report: Bool = Field(True, description="whether a run that ends writes report.md and report.json")

    @property
    def filter_limit(self) -> float | None:
        """How far the filter reaches."""
        return {"iqr": self.filter_iqr_multiplier, "zscore": self.filter_zscore_threshold}.get(self.filter_method)
