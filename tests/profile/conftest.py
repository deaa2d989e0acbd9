"""A small valid profile, and a way to spoil one key of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import LesionError
from engine.profile import Profile, load

BASE = """
name = "base"

[model]
names = ["petri-16k"]

[[damage]]
method = "mult_gauss"
groups = ["attn_only"]
levels = [0.0, 0.5]

[[measure]]
name = "perplexity"
text = "petri"
documents = 2

[[measure]]
name = "generation"
prompts = ["a", "b"]
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The file base.toml in a folder of its own."""
    path = tmp_path / "base.toml"
    path.write_text(BASE)
    return path


@pytest.fixture
def with_set(base: Path) -> Callable[..., Profile]:
    """`with_set("seeds.count=2", …)`: the small profile with keys changed."""
    return lambda *overrides: load(base, overrides)


@pytest.fixture
def refusal(base: Path) -> Callable[..., LesionError]:
    """`refusal("seeds.count=0", …)`: the error that the small profile gives with these keys changed."""

    def refuse(*overrides: str, **options: Any) -> LesionError:
        with pytest.raises(LesionError) as caught:
            load(base, overrides, **options)
        return caught.value

    return refuse
