"""Units and durations in words, against values worked out by hand."""

import math

import pytest

from app.words import counted, duration, size


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (161.0, "2 min 41 s"),
        (3599.6, "1 h 00 min"),
        (11_220.0, "3 h 07 min"),
        (187_200.0, "2 d 4 h"),
        (-1.0, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (None, "–"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.99, "1.0 kB"),
        (1400, "1.4 kB"),
        (99_940, "99.9 kB"),
        (99_960, "100 kB"),
        (616_100_000, "616 MB"),
        (999_960, "1.0 MB"),
        (33e9, "33.0 GB"),
        (4.2e15, "4,200 TB"),
    ],
)
def test_sizes(count: float, shown: str) -> None:
    assert size(count) == shown


def test_a_size_beside_another_may_leave_its_unit_out() -> None:
    assert f"{size(3.1e9, unit=False)}/{size(33e9)}" == "3.1/33.0 GB"


def test_counts() -> None:
    assert [counted(number, "seed") for number in (1, 12, 1200)] == ["1 seed", "12 seeds", "1,200 seeds"]
