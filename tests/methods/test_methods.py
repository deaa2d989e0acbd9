"""Every method against formulas written out in numpy, float64, on the weights of a petri model."""

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from engine.errors import LesionError
from engine.methods import apply
from engine.weights.draws import Draws
from engine.weights.slices import Slice
from tests.methods.damaging import damaged, doubles, petri

METHODS = [("mult_gauss", 0.4), ("ablation", 0.3), ("uni_quant", 5.0)]


@pytest.mark.parametrize("group", ["attn_v", "mlp_only", "embed_only"])
def test_mult_gauss_is_the_formula(group: str) -> None:
    factors = []
    for piece, old, new in damaged("mult_gauss", 0.4, group):
        z = Draws(1).normal(piece).double().numpy()
        # The factor is rounded to float32 near 1, so a small product is as exact as its weight, not as itself.
        np.testing.assert_allclose(new, old * (1 + 0.4 * z), rtol=1e-6, atol=2e-7 * np.abs(old).max())
        factors.append((new / old)[old != 0])
    drawn = np.concatenate(factors)
    assert abs(drawn.mean() - 1) < 5 * 0.4 / drawn.size**0.5
    assert abs(drawn.std() - 0.4) < 5 * 0.4 / (2 * drawn.size) ** 0.5


@pytest.mark.parametrize("group", ["attn_v", "mlp_only"])
def test_ablation_zeroes_a_share_and_leaves_the_rest(group: str) -> None:
    zeroed = total = 0
    for piece, old, new in damaged("ablation", 0.3, group):
        gone = Draws(1).uniform(piece).double().numpy() < 0.3
        np.testing.assert_array_equal(new, np.where(gone, 0.0, old))
        zeroed, total = zeroed + int(gone.sum()), total + old.size
    assert abs(zeroed / total - 0.3) < 5 * (0.3 * 0.7 / total) ** 0.5


@pytest.mark.parametrize("levels", [2.0, 5.0, 256.0, 65536.0])
def test_uni_quant_is_the_nearest_of_n_even_values(levels: float) -> None:
    for _, old, new in damaged("uni_quant", levels, "attn_only"):
        values = np.linspace(old.min(), old.max(), int(levels))
        step = values[1] - values[0]
        rounding = 2e-7 * np.abs(values).max()
        assert (np.abs(new[..., None] - values).min(-1) if levels < 300 else np.zeros(1)).max() < rounding
        # Half a step at most, with float32's rounding of it.
        assert np.abs(new - old).max() <= step / 2 * (1 + 1e-5) + 2e-7
        assert (new.min(), new.max()) == (old.min(), old.max())
        assert len(np.unique(new)) <= levels


def test_uni_quant_twice_is_once_and_constants_stay() -> None:
    loaded = petri()
    slices = loaded.architecture.slices("mlp_only")
    apply("uni_quant", slices, 7.0, 0)
    once = [doubles(piece) for piece in slices]
    apply("uni_quant", slices, 7.0, 0)
    for piece, old in zip(slices, once, strict=True):
        np.testing.assert_allclose(doubles(piece), old, rtol=1e-6, atol=1e-8)
    norm = next(piece for piece in loaded.architecture.slices("all") if "norm" in piece.parameter)
    norm.tensor.detach().fill_(0.1)
    apply("uni_quant", [norm], 2.0, 0)
    assert (norm.tensor == torch.tensor(0.1)).all()


def test_uni_quant_refuses_a_range_without_end() -> None:
    piece = petri().architecture.slices("attn_v")[0]
    piece.tensor.detach()[:] = float("nan")
    with pytest.raises(LesionError, match="needs finite weights"):
        apply("uni_quant", [piece], 4.0, 0)


def test_a_weight_gets_the_same_damage_whatever_the_group_and_layers() -> None:
    for method, level in METHODS[:2]:
        narrow = damaged(method, level, "attn_v", layers=(2,))[0]
        for group in ("attn_only", "attn_all"):
            wide = next(
                found
                for found in damaged(method, level, group)
                if found[0].ranges == narrow[0].ranges and found[0].layer == 2
            )
            np.testing.assert_array_equal(wide[2], narrow[2])
        whole = next(found for found in damaged(method, level, "all") if found[0].parameter == narrow[0].parameter)
        assert narrow[0].ranges is not None
        rows = np.concatenate([whole[2][low:high] for low, high in narrow[0].ranges])
        np.testing.assert_array_equal(rows, narrow[2])


def test_order_does_not_matter_and_seeds_do() -> None:
    first = damaged("mult_gauss", 0.4, "mlp_only", seed=5)
    loaded = petri()
    backwards = loaded.architecture.slices("mlp_only")[::-1]
    apply("mult_gauss", loaded.architecture.slices("attn_all"), 0.1, 9)
    apply("mult_gauss", backwards, 0.4, 5)
    for (_, _, new), piece in zip(first, backwards[::-1], strict=True):
        np.testing.assert_array_equal(doubles(piece), new)
    other = damaged("mult_gauss", 0.4, "mlp_only", seed=6)
    assert not np.array_equal(first[0][2], other[0][2])


def test_levels_of_a_seed_share_their_draws() -> None:
    small, large = damaged("mult_gauss", 0.1, "attn_v"), damaged("mult_gauss", 0.4, "attn_v")
    for (_, old, one), (_, _, four) in zip(small, large, strict=True):
        np.testing.assert_allclose(four - old, 4 * (one - old), atol=1e-6 * np.abs(old).max())
    few, many = damaged("ablation", 0.1, "attn_v"), damaged("ablation", 0.4, "attn_v")
    for (_, old, less), (_, _, more) in zip(few, many, strict=True):
        assert ((more == 0) | (less != 0) | (old == 0)).all()


@pytest.mark.parametrize(("dtype", "resolution"), [("float16", 2**-11), ("bfloat16", 2**-8)])
def test_half_precision_gets_the_same_draws_and_one_rounding(dtype: str, resolution: float) -> None:
    for piece, old, new in damaged("mult_gauss", 0.4, "attn_v", dtype=dtype):
        exact = old * (1 + 0.4 * Draws(1).normal(piece).double().numpy())
        assert (np.abs(new - exact) <= np.abs(exact) * resolution * 1.001 + 2**-25).all()
    for piece, old, new in damaged("ablation", 0.3, "attn_v", dtype=dtype):
        np.testing.assert_array_equal(new, np.where(Draws(1).uniform(piece).numpy() < 0.3, 0.0, old))
    for _, old, new in damaged("uni_quant", 4.0, "attn_v", dtype=dtype):
        assert (new.min(), new.max(), len(np.unique(new))) == (old.min(), old.max(), 4)


@pytest.mark.parametrize("method", ["mult_gauss", "ablation"])
def test_the_neutral_level_changes_no_bit(method: str) -> None:
    weights = Parameter(torch.tensor([0.0, -0.0, float("nan"), float("inf"), 1e-42, 3.0]), requires_grad=False)
    before = weights.clone()
    assert apply(method, [Slice("w", weights)], 0.0, 1) == 0
    assert torch.equal(weights.view(torch.int32), before.view(torch.int32))


def test_extremes() -> None:
    weights = Parameter(torch.full((1000,), 3e38), requires_grad=False)
    apply("mult_gauss", [Slice("w", weights)], 100.0, 1)
    assert weights.isinf().any()  # a broken model is a result, not an error
    apply("ablation", [Slice("w", weights)], 1.0, 1)
    assert (weights == 0).all()
    assert apply("none", [Slice("w", weights)], None, 1) == 0


@pytest.mark.parametrize(
    ("method", "level", "sentence"),
    [
        ("ablation", 1.5, "a number from 0 to 1"),
        ("uni_quant", 2.5, "a whole number from 2 to 65536"),
        ("mult_gauss", None, "needs a level"),
        ("mult_gaus", 1.0, "did you mean 'mult_gauss'"),
    ],
)
def test_impossible_requests_are_refused(method: str, level: float | None, sentence: str) -> None:
    with pytest.raises(LesionError, match=sentence):
        apply(method, [], level, 1)
