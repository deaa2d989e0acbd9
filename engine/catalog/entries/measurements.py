"""The measurements: each is a folder of engine.measure, whose INFO says what it observes."""

from functools import cache

from engine.catalog.importing import load
from engine.catalog.infos import MeasurementInfo

FOLDERS = (
    "perplexity",
    "generation",
    "gains",
    "residual_gain",
    "spectrum",
    "tasks",
    "lm_eval",
    "ranking",
    "super_weights",
    "imported",
)


@cache
def measurements() -> tuple[MeasurementInfo, ...]:
    """What there is to know of each before it is loaded."""
    return tuple(load(f"engine.measure.{folder}:INFO") for folder in FOLDERS)
