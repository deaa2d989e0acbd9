"""The catalog: levels, names, and import paths that lead somewhere."""

import math
import subprocess
import sys

import pytest

from engine import catalog
from engine.catalog import LevelInfo
from engine.errors import LesionError, suggestion

OPEN = LevelInfo("x", "a share", low=0.0, high=1.0, low_open=True)
WHOLE = LevelInfo("n", "a count", low=2.0, high=64.0, integer=True, spacing="geometric")


@pytest.mark.parametrize(("info", "level"), [(OPEN, 1e-9), (OPEN, 1.0), (WHOLE, 2.0), (WHOLE, 64), (WHOLE, 7.0)])
def test_levels_within_bounds(info: LevelInfo, level: float) -> None:
    info.check(level)


@pytest.mark.parametrize(
    ("info", "level"),
    [(OPEN, 0.0), (OPEN, 1.0001), (OPEN, -1.0), (WHOLE, 1.0), (WHOLE, 65.0), (WHOLE, 2.5)]
    + [(info, level) for info in (OPEN, WHOLE) for level in (math.nan, math.inf, -math.inf)],
)
def test_levels_out_of_bounds(info: LevelInfo, level: float) -> None:
    with pytest.raises(LesionError, match=r"level .* is not possible"):
        info.check(level)


def test_bounds_in_words() -> None:
    assert OPEN.bounds == "a number above 0 and up to 1"
    assert WHOLE.bounds == "a whole number from 2 to 64"


def test_linear_spread_has_both_ends_and_no_binary_dust() -> None:
    assert OPEN.spread(0.0, 0.3, 4) == [0.0, 0.1, 0.2, 0.3]
    assert OPEN.spread(0.3, 0.0, 4) == [0.3, 0.2, 0.1, 0.0]
    assert OPEN.spread(0.0, 1.0, 4) == [0.0, 0.3333333333, 0.6666666667, 1.0]


def test_geometric_spread_of_whole_levels_is_rounded_and_unique() -> None:
    assert WHOLE.spread(64, 2, 6) == [64, 32, 16, 8, 4, 2]
    # 4 · 2^(-i/8): 4, 3.67, 3.36, 3.08, 2.83, 2.59, 2.38, 2.18, 2
    assert WHOLE.spread(4, 2, 9) == [4, 3, 2]
    assert WHOLE.spread(2, 4, 9) == [2, 3, 4]
    assert WHOLE.spread(3, 1, 3) == [3, 2]  # never below the bound


def test_quantisation_from_1024_to_4_in_nine_steps() -> None:
    level = catalog.method("uni_quant").level
    assert level is not None
    assert level.spread(1024, 4, 9) == [1024, 512, 256, 128, 64, 32, 16, 8, 4]


def test_spreads_that_cannot_be() -> None:
    with pytest.raises(LesionError, match="at least 2 steps, not 1"):
        OPEN.spread(0, 1, 1)
    with pytest.raises(LesionError, match="levels above 0, not from 0 to 4"):
        WHOLE.spread(0, 4, 3)


def test_neutral_levels_are_possible_levels() -> None:
    for method in catalog.methods().values():
        if method.level and method.level.neutral is not None:
            method.level.check(method.level.neutral)


def test_names_are_found_or_suggested() -> None:
    assert catalog.method("ablation").draws
    assert not catalog.method("uni_quant").draws
    assert catalog.measurement("perplexity").metrics[0].log
    with pytest.raises(
        LesionError, match=r"there is no parameter group 'MLP_only'; did you mean 'mlp_only'\? Known: attn"
    ):
        catalog.group("MLP_only")
    assert [name for name, score in catalog.scores().items() if score.draws] == ["hutchinson"]
    assert [name for name, score in catalog.scores().items() if not score.reads_text] == ["magnitude"]
    with pytest.raises(LesionError, match=r"there is no score 'hutchison'; did you mean 'hutchinson'\?"):
        catalog.score("hutchison")
    with pytest.raises(LesionError, match=r"there is no measurement 'zzz'. Known: perplexity, generation"):
        catalog.measurement("zzz")
    assert suggestion("x", []) == ". Known: none"


def test_bundled_models_have_the_parameters_they_claim() -> None:
    from safetensors import safe_open

    from engine.petri import PETRI

    assert list(catalog.models()) == list(PETRI)
    for name, info in catalog.models().items():
        with safe_open(PETRI[name] / "model.safetensors", framework="numpy") as weights:
            assert sum(math.prod(weights.get_slice(key).get_shape()) for key in weights.keys()) == info.parameters  # noqa: SIM118


def test_every_implementation_can_be_loaded() -> None:
    infos: list[catalog.MethodInfo | catalog.MeasurementInfo | catalog.ArchitectureInfo | catalog.ScoreInfo]
    infos = [*catalog.methods().values(), *catalog.measurements().values(), *catalog.architectures().values()]
    infos += catalog.scores().values()
    for info in infos:
        if info.implementation:
            assert catalog.load(info.implementation) is not None, info.name


def test_names_and_errors_come_from_the_standard_library_alone() -> None:
    code = (
        "import sys; from engine import catalog, errors; catalog.models();"
        "print([name for name in ('torch', 'transformers', 'pydantic', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
