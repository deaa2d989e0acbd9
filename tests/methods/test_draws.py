"""What a weight draws depends on the seed and on which weight it is, on nothing else."""

import hashlib
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn import Parameter

from engine.catalog import DRAW_VERSION
from engine.weights.counter import Kind, numbers
from engine.weights.draws import Draws
from engine.weights.slices import CHUNK, Slice

MASK = 2**64 - 1


def piece(
    *shape: int, name: str = "a.weight", dim: int = 0, ranges: tuple[tuple[int, int], ...] | None = None
) -> Slice:
    return Slice(name, Parameter(torch.zeros(shape), requires_grad=False), dim, ranges)


def word(seed: int, name: str, kind: str, lane: int) -> int:
    """The 64 bits numbered `lane`, in whole numbers."""
    text = f"{DRAW_VERSION}\0{seed}\0{name}\0{kind}".encode()
    keys = hashlib.blake2b(text, digest_size=16).digest()
    first, second = int.from_bytes(keys[:8], "little"), int.from_bytes(keys[8:], "little")
    x = (lane * 0x9E3779B97F4A7C15 + first) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK) ^ second
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def normal_by_hand(seed: int, name: str, index: int) -> float:
    bits = word(seed, name, "normal", index // 256 * 128 + index % 128)
    u = (bits >> 33 | 1) / 2**31
    low = bits & 0xFFFFFFFF
    angle = (low - 2**32 if low >= 2**31 else low) / 2**31 * math.pi / 2
    side = -1 if low & 1 else 1
    return math.sqrt(-2 * math.log(u)) * (math.sin(angle) if index // 128 % 2 else side * math.cos(angle))


def uniform_by_hand(seed: int, name: str, index: int) -> float:
    bits = word(seed, name, "uniform", index // 2)
    return (bits >> (40 if index % 2 else 8) & 0xFFFFFF) / 2**24


def test_numbers_are_the_formulas() -> None:
    normal = Draws(42).normal(piece(3, 700)).flatten().double()
    uniform = Draws(42).uniform(piece(3, 700)).flatten().double()
    for index in [*range(0, 2100, 7), 2099]:
        assert normal[index].item() == pytest.approx(normal_by_hand(42, "a.weight", index), abs=1e-5)
        assert uniform[index].item() == uniform_by_hand(42, "a.weight", index)


def test_the_numbers_are_those_of_draw_version_1() -> None:
    """Fixed for all time: runs that are years old must replay. Whoever changes them raises DRAW_VERSION."""
    bits = Draws(7).normal(piece(1000, name="gpt_neox.layers.0.mlp.dense_h_to_4h.weight")).numpy().tobytes()
    assert DRAW_VERSION == 1
    assert hashlib.sha256(bits).hexdigest() == "b15333f1db1e73b9119477d74d4f69548a6fa2f9482af8865c7865e954e42da3"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("normal", "f201c04c208edc883a2d39513eea7c52972785e10960052f48d311374d5dee9d"),
        ("uniform", "b1ec979e4d181977ceac15db66707c94cb63786a7ec97898d44066be9fd3ab38"),
    ],
)
def test_half_a_million_numbers_far_out_are_those_of_draw_version_1(kind: Kind, expected: str) -> None:
    text = hashlib.blake2b(f"1\0{42}\0a.weight\0{kind}".encode(), digest_size=16).digest()
    first, second = np.frombuffer(text, "<u8").astype(np.uint64)
    made = np.empty(2000 * 256, np.float32)
    numbers(kind, np.arange(2**40, 2**40 + 2000) * 3, (first, second), made)
    assert hashlib.sha256(made.tobytes()).hexdigest() == expected


def test_blocks_are_the_chunks_cut_up() -> None:
    for shape, dim, ranges in (((700, 390), 0, None), ((700, 390), 1, ((5, 300), (389, 390))), ((150_001,), 0, None)):
        canvas = piece(*shape, dim=dim, ranges=ranges)
        for weights, drawn in Draws(5).blocks(canvas, "normal"):
            assert weights.numel() <= 2**15
            weights.copy_(drawn)
        assert torch.equal(canvas.gather(), Draws(5).normal(piece(*shape, dim=dim, ranges=ranges)))


@pytest.mark.parametrize(
    ("dim", "ranges"),
    [
        (0, ((0, 1),)),
        (0, ((7, 200), (300, 301), (699, 700))),
        (1, ((0, 13),)),
        (1, ((5, 300), (389, 390))),
    ],
)
def test_a_part_draws_what_it_draws_in_the_whole(dim: int, ranges: tuple[tuple[int, int], ...]) -> None:
    assert 2 * CHUNK < 700 * 390
    for kind in ("normal", "uniform"):
        whole: Tensor = getattr(Draws(1), kind)(piece(700, 390))
        part: Tensor = getattr(Draws(1), kind)(piece(700, 390, dim=dim, ranges=ranges))
        expected = torch.cat([whole.narrow(dim, low, high - low) for low, high in ranges], dim)
        assert torch.equal(part, expected)


def test_a_middle_dimension() -> None:
    whole = Draws(1).normal(piece(5, 60, 70))
    assert torch.equal(Draws(1).normal(piece(5, 60, 70, dim=1, ranges=((11, 60),))), whole[:, 11:60])


def test_shape_order_and_threads_do_not_matter() -> None:
    flat = Draws(9).normal(piece(300_000))
    Draws(9).uniform(piece(17))
    threads = torch.get_num_threads()
    torch.set_num_threads(1 + threads % 2)
    try:
        assert torch.equal(Draws(9).normal(piece(500, 600)).flatten(), flat)
    finally:
        torch.set_num_threads(threads)


def test_seeds_names_and_kinds_draw_apart() -> None:
    n = 100_000
    base = Draws(1).normal(piece(n))
    uniform = torch.erfinv(2 * Draws(1).uniform(piece(n)).clamp(1e-7, 1 - 1e-7) - 1) * 2**0.5
    for other in (Draws(2).normal(piece(n)), Draws(1).normal(piece(n, name="b.weight")), uniform):
        assert abs((base * other).mean().item()) < 5 / n**0.5


def test_normal_numbers_are_normal() -> None:
    n = 2_000_000
    z = Draws(3).normal(piece(n)).double().numpy()
    assert abs(z.mean()) < 5 / n**0.5
    assert abs(z.std() - 1) < 5 / (2 * n) ** 0.5
    assert abs(stats.skew(z)) < 5 * (6 / n) ** 0.5
    assert abs(stats.kurtosis(z)) < 5 * (24 / n) ** 0.5
    assert stats.kstest(z, "norm").pvalue > 1e-4
    expected = 2 * stats.norm.sf(4) * n
    assert abs((np.abs(z) > 4).sum() - expected) < 5 * expected**0.5
    for lag in (1, 127, 128, 129, 256, 390):
        assert abs((z[lag:] * z[:-lag]).mean()) < 5 / n**0.5
        assert abs(((z[lag:] ** 2 - 1) * (z[:-lag] ** 2 - 1)).mean()) < 5 * 2 / n**0.5


def test_uniform_numbers_are_uniform() -> None:
    u = Draws(3).uniform(piece(2_000_000)).double().numpy()
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    for lag in (1, 128, 256):
        assert abs(np.corrcoef(u[lag:], u[:-lag])[0, 1]) < 5 / 2_000_000**0.5
