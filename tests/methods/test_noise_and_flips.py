"""Noise, scaling, flips of signs and bits, and pruning, each against numpy or plain Python on petri weights."""

import math
import struct

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from engine import catalog
from engine.errors import LesionError
from engine.methods import apply
from engine.weights.draws import Draws
from engine.weights.slices import Slice
from tests.methods.damaging import damaged, doubles, petri

NUMPY = {"float32": np.uint32, "float16": np.uint16, "bfloat16": np.uint16}
LAYOUT = {"float32": (23, 8), "float16": (10, 5), "bfloat16": (7, 8)}


def bits(piece: Slice) -> np.ndarray:
    """The stored bits, as whole numbers."""
    weights = piece.gather().clone()
    size = torch.int32 if weights.element_size() == 4 else torch.int16
    return weights.view(size).numpy().view(NUMPY[str(weights.dtype).removeprefix("torch.")]).astype(np.uint64)


@pytest.mark.parametrize("group", ["attn_v", "mlp_only"])
def test_lognorm_is_the_formula(group: str) -> None:
    for piece, old, new in damaged("lognorm", 0.7, group):
        exact = old * np.exp(0.7 * Draws(1).normal(piece).double().numpy())
        np.testing.assert_array_equal(new, exact.astype(np.float32).astype(np.float64))
        assert (np.sign(new) == np.sign(old)).all()


@pytest.mark.parametrize("group", ["attn_v", "mlp_only", "embed_only"])
def test_add_gauss_is_in_units_of_the_slices_deviation(group: str) -> None:
    for piece, old, new in damaged("add_gauss", 0.5, group):
        noise = 0.5 * old.std() * Draws(1).normal(piece).double().numpy()
        np.testing.assert_allclose(new, old + noise, rtol=0, atol=1e-6 * np.abs(old + noise).max())


def test_add_gauss_refuses_what_has_no_deviation_and_leaves_equal_weights() -> None:
    endless = Slice("w", Parameter(torch.tensor([1.0, float("inf")]), requires_grad=False))
    with pytest.raises(LesionError, match="add_gauss needs finite weights, and w has"):
        apply("add_gauss", [endless], 0.1, 1)
    equal = Slice("w", Parameter(torch.full((300,), 0.1), requires_grad=False))
    apply("add_gauss", [equal], 0.1, 1)
    assert (equal.tensor - 0.1).abs().max() < 1e-8


@pytest.mark.parametrize("level", [0.0, -1.0, 0.5, 3.0])
def test_scale_multiplies(level: float) -> None:
    for _, old, new in damaged("scale", level, "mlp_only"):
        np.testing.assert_array_equal(new, (old.astype(np.float32) * np.float32(level)).astype(np.float64))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_sign_flip_changes_the_highest_bit_and_nothing_else(dtype: str) -> None:
    slices = petri(dtype).architecture.slices("attn_v")
    before = [bits(piece) for piece in slices]
    apply("sign_flip", slices, 0.3, 4)
    top = 31 if dtype == "float32" else 15
    for piece, old in zip(slices, before, strict=True):
        flipped = Draws(4).uniform(piece).double().numpy() < 0.3
        np.testing.assert_array_equal(bits(piece), old ^ (flipped.astype(np.uint64) << np.uint64(top)))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("bit", ["any", "sign", "exponent", "mantissa"])
def test_bit_flip_flips_one_bit_of_the_stored_number(dtype: str, bit: str) -> None:
    mantissa, exponent = LAYOUT[dtype]
    begin, count = {
        "any": (0, mantissa + exponent + 1),
        "sign": (mantissa + exponent, 1),
        "exponent": (mantissa, exponent),
        "mantissa": (0, mantissa),
    }[bit]
    slices = petri(dtype).architecture.slices("attn_v")
    before = [bits(piece) for piece in slices]
    apply("bit_flip", slices, 0.25, 4, {"bit": bit})
    seen: set[int] = set()
    for piece, old in zip(slices, before, strict=True):
        position = begin + np.floor(Draws(4).whole(piece, "bit").double().numpy() * count).astype(np.uint64)
        flips = Draws(4).uniform(piece).double().numpy() < 0.25
        np.testing.assert_array_equal(bits(piece), np.where(flips, old ^ (np.uint64(1) << position), old))
        seen |= set(position[flips].tolist())
    assert seen == set(range(begin, begin + count))


def test_a_flipped_exponent_by_hand() -> None:
    """The top bit of the exponent of 0.1: 0.1 = 0x3DCCCCCD becomes 0x7DCCCCCD, about 3.4e37."""
    one = Slice("w", Parameter(torch.full((64,), 0.1), requires_grad=False))
    apply("bit_flip", [one], 1.0, 3, {"bit": "exponent"})
    (big,) = struct.unpack("<f", struct.pack("<I", 0x7DCCCCCD))
    expected = {struct.unpack("<f", struct.pack("<I", 0x3DCCCCCD ^ 1 << position))[0] for position in range(23, 31)}
    assert big in expected
    assert set(one.tensor.tolist()) == expected


def test_bit_flips_are_the_first_of_bit_flip_and_exactly_so_many() -> None:
    slices = petri().architecture.slices("attn_all")
    before = [bits(piece) for piece in slices]
    apply("bit_flips", slices, 37.0, 2, {"bit": "mantissa"})
    changed = [bits(piece) ^ old for piece, old in zip(slices, before, strict=True)]
    assert sum(int((change != 0).sum()) for change in changed) == 37
    assert all(math.log2(int(x)).is_integer() for change in changed for x in change[change != 0])
    drawn = np.sort(np.concatenate([Draws(2).uniform(piece).double().numpy().ravel() for piece in slices]))
    rising = petri().architecture.slices("attn_all")
    apply("bit_flip", rising, float(drawn[37]), 2, {"bit": "mantissa"})
    for one, two in zip(slices, rising, strict=True):
        np.testing.assert_array_equal(bits(one), bits(two))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("scope", ["per_tensor", "per_layer", "global"])
def test_magnitude_prune_zeroes_the_smallest(dtype: str, scope: str) -> None:
    found = damaged("magnitude_prune", 0.3, "attn_all", dtype=dtype, scope=scope)
    units: dict[object, list[int]] = {}
    for place, (piece, _, _) in enumerate(found):
        unit = {"per_tensor": place, "per_layer": piece.layer, "global": 0}[scope]
        units.setdefault(unit, []).append(place)
    for places in units.values():
        old = np.concatenate([found[place][1].ravel() for place in places])
        new = np.concatenate([found[place][2].ravel() for place in places])
        expected = old.copy()
        expected[np.argsort(np.abs(old), kind="stable")[: round(0.3 * old.size)]] = 0
        if scope == "global" or dtype == "float32":
            np.testing.assert_array_equal(new, expected)
        assert np.count_nonzero(new) == np.count_nonzero(expected)


def test_magnitude_prune_of_equal_weights_takes_the_first_and_nan_last() -> None:
    piece = Slice("w", Parameter(torch.tensor([float("nan"), -2.0, 2.0, 2.0, float("inf"), 1.0]), requires_grad=False))
    apply("magnitude_prune", [piece], 0.5, 0)
    np.testing.assert_array_equal(piece.tensor.numpy(), [float("nan"), 0, 0, 2, float("inf"), 0])
    apply("magnitude_prune", [piece], 1.0, 0)
    assert (piece.tensor == 0).all()


@pytest.mark.parametrize("method", ["ablation", "sign_flip", "bit_flip", "magnitude_prune"])
def test_what_a_level_touches_a_higher_level_touches_too(method: str) -> None:
    few, many = damaged(method, 0.1, "attn_v"), damaged(method, 0.4, "attn_v")
    for (_, old, less), (_, _, more) in zip(few, many, strict=True):
        assert (more[less != old] == less[less != old]).all()
        assert (more != old).sum() > (less != old).sum() > 0


NEUTRAL = [info.name for info in catalog.methods().values() if info.level and info.level.neutral is not None]


@pytest.mark.parametrize("method", [name for name in NEUTRAL if catalog.method(name).acts_on != "blocks"])
def test_the_neutral_level_changes_no_bit(method: str) -> None:
    info = catalog.method(method)
    assert info.level is not None
    weights = torch.tensor([[0.0, -0.0, float("nan")], [float("inf"), 1e-42, 3.0]])
    piece = Slice("w", Parameter(weights.clone(), requires_grad=False))
    assert apply(method, [piece], info.level.neutral, 1) == 0
    assert torch.equal(piece.tensor.view(torch.int32), weights.view(torch.int32))


def test_doubling_by_scale_and_back_is_exact() -> None:
    slices = petri().architecture.slices("mlp_only")
    before = [doubles(piece) for piece in slices]
    apply("scale", slices, 2.0, 0)
    apply("scale", slices, 0.5, 0)
    for piece, old in zip(slices, before, strict=True):
        np.testing.assert_array_equal(doubles(piece), old)
