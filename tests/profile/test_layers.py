"""Layers against a model's depth."""

import pytest

from engine.errors import LesionError
from engine.profile import Layers, parse_layers


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("0-5", (0, 1, 2, 3, 4, 5)),
        ("2-2", (2,)),
        ("last 4", (2, 3, 4, 5)),
        ("last 6", (0, 1, 2, 3, 4, 5)),
        ("3", (3,)),
        ((3, 1), (1, 3)),
        ((5,), (5,)),
    ],
)
def test_layers_of_a_model_with_six(layers: Layers, expected: tuple[int, ...]) -> None:
    assert parse_layers(layers, 6) == expected


@pytest.mark.parametrize("layers", ["0-6", "last 7", "6", (1, 6)])
def test_layers_the_model_does_not_have(layers: Layers) -> None:
    with pytest.raises(LesionError, match="do not exist: the model has 6 layers, 0 to 5"):
        parse_layers(layers, 6)


@pytest.mark.parametrize(
    "layers", ["", "all", "5-2", "-1", "last 0", "last", "1,2", "0-1-2", (), (-1,), (True,), (1, 1)]
)
def test_layers_that_mean_nothing(layers: Layers) -> None:
    with pytest.raises(LesionError):
        parse_layers(layers, 6)
