"""Values of a profile as text in a field, and back."""

from typing import Any

import pytest

from app.console.design.fieldtext import Kind, read, show

NINES = "9" * 5000


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "a, b", "a, b"),
        ("names", "a,b , c", ["a", "b", "c"]),
        ("whole", "12", 12),
        ("whole", "1.5", 1.5),
        ("whole", "many", "many"),
        ("number", "1e-3", 0.001),
        ("flag", "yes", True),
        ("flag", "Off", False),
        ("flag", "auto", "auto"),
        ("levels", "0, 0.5,x", [0.0, 0.5, "x"]),
        ("levels", "0 to 1.4 in 8 steps", {"from": 0.0, "to": 1.4, "steps": 8}),
        ("levels", "FROM 256 to 2 in 4 geometric", {"from": 256.0, "to": 2.0, "steps": 4, "spacing": "geometric"}),
        ("layers", "1, 3", [1, 3]),
        ("layers", "last 4", "last 4"),
        ("layers", "0-5", "0-5"),
        ("prompts", "one, two | three", ["one, two", "three"]),
        ("prompts", "short", "short"),
        ("counts", "10", 10),
        ("counts", "10, 50", [10, 50]),
        ("weights", "a.weight 3 7 | b.weight 1 x", [["a.weight", 3, 7], ["b.weight", 1, "x"]]),
        ("toml", '{ a = [1, "two"] }', {"a": [1, "two"]}),
        ("toml", "not toml", "not toml"),
        ("text", "  ", None),
        ("layers", "1 2, 3", "1 2, 3"),
        ("layers", ",", ","),
        ("whole", NINES, float("inf")),
        ("layers", NINES, NINES),
        ("weights", f"a {NINES}", [["a", NINES]]),
        ("levels", f"0 to 1 in {NINES}", {"from": 0.0, "to": 1.0, "steps": float("inf")}),
        ("toml", "[" * 5000, "[" * 5000),
    ],
)
def test_read(kind: Kind, text: str, value: Any) -> None:
    assert read(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("names", ["a", "b"]),
        ("whole", 65536),
        ("number", 0.30000000001),
        ("flag", True),
        ("flag", "auto"),
        ("levels", [0.0, 0.1, 1e-9]),
        ("levels", {"from": 0.0, "to": 1.4, "steps": 8}),
        ("levels", {"from": 256.0, "to": 2.0, "steps": 8, "spacing": "linear"}),
        ("layers", [1, 3]),
        ("layers", "last 4"),
        ("prompts", ["one, two", "three"]),
        ("counts", [10, 50]),
        ("weights", [["a.weight", 3, 7], ["b.weight", 1, 2]]),
        ("toml", {"a": [1, "two"], "b": {"c": False}}),
        ("toml", True),
        ("toml", {"a key": [{"b.c": 'tab\t, quote ", DEL \x7f'}], "long": ["x" * 60] * 3}),
        ("toml", [1e400, -1e400, 0.1, {}]),
    ],
)
def test_what_is_shown_reads_back_as_it_was(kind: Kind, value: Any) -> None:
    assert read(kind, show(kind, value)) == value
