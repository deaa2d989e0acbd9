"""The [seeds] and [run] tables: how often, and how to go about it."""

from pydantic import Field

from engine.profile.fields import Bool, Float, Int, Table

_LARGEST_SEED = 2**31 - 1


class Seeds(Table):
    """Repetitions: the seeds base + offset, base + offset + 1, …, `count` of them."""

    base: Int = Field(42, ge=0, le=_LARGEST_SEED, description="where seeds start")
    count: Int = Field(1, ge=1, le=100_000, description="how many repetitions")
    offset: Int = Field(0, ge=0, le=_LARGEST_SEED, description="1 where the first repetition is to use base + 1")


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
