"""What a method gives back that is not what its entry says: one sentence, and what to change."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.catalog import LevelInfo, MethodInfo
from engine.errors import LesionError
from engine.methods.damage import damage
from engine.methods.method import Context, Damaged


def yields(context: Context) -> Iterator[Damaged]:
    yield Damaged(0)


def counts(context: Context) -> int:
    return 3


@pytest.mark.parametrize(
    ("method", "says"),
    [(yields, "it gave a generator, as one that says walks=True does"), (counts, "it gave a int")],
)
def test_one_that_does_not_walk_returns_a_damaged(method: Callable[[Context], Any], says: str) -> None:
    path = f"tests.methods.test_given_back:{method.__name__}"
    info = MethodInfo("x", "", LevelInfo("n", "steps", low=0.0, high=9.0), False, path, acts_on="model")
    context: Any = type("At", (), {"level": 1.0})()
    with pytest.raises(LesionError) as refused:
        damage(info, context)
    assert str(refused.value) == f"the method x returns a Damaged; {says}"
