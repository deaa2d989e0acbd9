"""Seeds added to a cell until its mean is known closely enough.

Whether another one is needed follows from the values of the cell's seeds so far, in their order, and from nothing else.
"""

import math
import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from engine.catalog.columns import CHANGE
from engine.profile.faults import fault, show
from engine.profile.fields import Float, Int, Table, Text

CONFIDENCE = 0.95
_SHARE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*")


def _check_width(value: object) -> object:
    if isinstance(value, str):
        matched = _SHARE.fullmatch(value)
        if not matched or not float(matched[1]) > 0:
            raise fault(f'{show(value)} is no half width; give a number above 0, or a share of the mean such as "10%"')
        return value
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise fault(f'must be a number above 0, or a text such as "10%", not {show(value)}')
    return float(value)


HalfWidth = Annotated[
    Text | Float,
    BeforeValidator(_check_width),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": r"^ *[0-9.]+ *% *$"}]}
    ),
]


class Until(Table):
    """When a cell (one model, damage, group and level) has seeds enough."""

    metric: Text = Field(description="the metric, or its change from the undamaged model, as perplexity_change_pct")
    half_width: HalfWidth = Field(
        description='half the width of the 95 % interval of its mean: a number, or a share of the mean, as "10%"'
    )
    at_most: Int = Field(ge=3, le=100_000, description="seeds a cell may come to")

    @property
    def change(self) -> bool:
        """Whether `metric` is a change from the undamaged model."""
        return self.metric.endswith(CHANGE)

    @property
    def plain(self) -> str:
        """The metric without that it is a change."""
        return self.metric.removesuffix(CHANGE)

    def width(self, mean: float) -> float:
        """The half width that is narrow enough around a mean."""
        if isinstance(self.half_width, float):
            return self.half_width
        matched = _SHARE.fullmatch(self.half_width)
        assert matched is not None
        return abs(mean) * float(matched[1]) / 100

    def enough(self, values: Sequence[float | None]) -> bool:
        """Whether seeds with these values (None: there is none) are enough: their interval is narrow, or there are as
        many as there may be. A seed without a finite value leaves no interval, and the rest are run."""
        return len(values) >= self.at_most or self.narrow(values)

    def narrow(self, values: Sequence[float | None]) -> bool:
        """Whether the interval of seeds with these values is as narrow as was asked for."""
        found = [value for value in values if value is not None and math.isfinite(value)]
        if len(found) < len(values) or len(found) < 2:
            return False
        return half_width(found) <= self.width(math.fsum(found) / len(found))


def half_width(values: Sequence[float]) -> float:
    """Half the width of the 95 % interval of the mean of at least two values, by Student's t."""
    from scipy.special import stdtrit

    count, mean = len(values), math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * math.sqrt(variance / count)
