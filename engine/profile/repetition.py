"""The [seeds] and [run] tables: how often, and how to go about it."""

from pydantic import Field, model_validator

from engine.errors import LesionError
from engine.profile.faults import fault
from engine.profile.fields import Bool, Float, Int, Table
from engine.profile.until import Until

_LARGEST_SEED = 2**31 - 1


class Seeds(Table):
    """Repetitions: the seeds base + offset, base + offset + 1, …, `count` of them."""

    base: Int = Field(42, ge=0, le=_LARGEST_SEED, description="where seeds start")
    count: Int = Field(1, ge=1, le=100_000, description="how many repetitions")
    offset: Int = Field(0, ge=0, le=_LARGEST_SEED, description="1 where the first repetition is to use base + 1")
    until: Until | None = Field(
        None,
        description="add seeds to a cell until its mean is known closely: "
        '{ metric = "perplexity_change_pct", half_width = "10%", at_most = 40 }; unset: count is all',
    )

    @property
    def most(self) -> int:
        """How many seeds a cell may come to."""
        return self.until.at_most if self.until else self.count

    @model_validator(mode="after")
    def _check_until(self) -> "Seeds":
        if self.until is None:
            return self
        if self.count < 2:
            text = "a cell has an interval from two seeds on, and until adds to them: give count = 2 or more"
            raise fault(LesionError(text, field="count"))
        if self.until.at_most <= self.count:
            text = f"must be more than seeds.count, which is {self.count}"
            raise fault(LesionError(text, field="until.at_most"))
        return self


class RunSpec(Table):
    """How to run; none of this changes what a trial means."""

    threads: Int | None = Field(None, ge=1, le=1024, description="CPU threads of a worker; unset: every core")
    reuse: Bool = Field(
        True, description="start at the first damaged layer with what entered it before: the same result in less time"
    )
    attempts: Int = Field(2, ge=1, le=100, description="workers lost on one trial before it is recorded as failed")
    start_seconds: Float = Field(
        600.0, ge=1, le=1e6, description="how long a worker that is not ready yet may give no sign of life"
    )
    limit: Int = Field(1_000_000, ge=1, le=10**9, description="trials that the profile may make at most")
