"""Undoing damage bit for bit, and noticing every change."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import Module, Parameter

from engine import catalog
from engine.methods import apply
from engine.models.loading import load
from engine.petri import PETRI
from engine.profile import ModelSpec
from engine.weights.snapshot import Snapshot, digest, weights_digest

LEVELS = {"mult_gauss": 0.3, "ablation": 0.3, "uni_quant": 4.0}
BIG = 150_001  # more than two rows of the digest, and an odd number of bytes in float16


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", ["neox", "gpt2", "llama", "petri"])
def test_every_method_on_every_group_is_undone(family: str, dtype: str, tiny_models: dict[str, Path]) -> None:
    folder = str((tiny_models | {"petri": PETRI["petri-16k"]})[family])
    loaded = load(ModelSpec(names=(folder,), dtype=dtype), folder, torch.device("cpu"))
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    mark = digest(loaded.model)
    absent = {"router"} if family == "llama" else {"router", "mlp_gate"}
    for method, level in LEVELS.items():
        for group in set(catalog.groups()) - absent:
            slices = loaded.architecture.slices(group)
            snapshot = Snapshot(slices)
            assert snapshot.bytes == sum(piece.numel for piece in slices) * loaded.dtype.itemsize
            apply(method, slices, level, 3)
            assert digest(loaded.model) != mark
            snapshot.restore()
            assert digest(loaded.model) == mark
    after = loaded.model.state_dict()
    assert all(torch.equal(bits(tensor), bits(after[name])) for name, tensor in before.items())
    assert weights_digest(loaded.model) == loaded.digest


def test_a_snapshot_restores_nan_and_minus_zero() -> None:
    loaded = load(ModelSpec(names=("petri-16k",)), "petri-16k", torch.device("cpu"))
    piece = loaded.architecture.slices("attn_v", (0,))[0]
    piece.scatter(torch.full(piece.shape, float("nan")).index_fill(0, torch.tensor([0]), -0.0))
    kept = bits(piece.tensor.detach()).clone()
    snapshot = Snapshot([piece])
    apply("ablation", [piece], 1.0, 0)
    snapshot.restore()
    assert torch.equal(bits(piece.tensor.detach()), kept)


class Holder(Module):
    """One parameter and one buffer."""

    table: Tensor

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weight = Parameter(weights, requires_grad=False)
        self.register_buffer("table", torch.arange(5))


def bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().view(torch.uint8)


def flip(weights: Tensor, byte: int, bit: int) -> None:
    weights.flatten().view(torch.uint8)[byte] ^= 1 << bit


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_digest_notices_any_single_bit(dtype: torch.dtype) -> None:
    holder = Holder(torch.randn(BIG, generator=torch.Generator().manual_seed(0)).to(dtype))
    mark = digest(holder)
    last = BIG * dtype.itemsize - 1
    for byte in (0, 1, 2, 3, 262_143, 262_144, 299_999, last - 3, last):
        for bit in range(8):
            flip(holder.weight, byte, bit)
            assert digest(holder) != mark, (byte, bit)
            flip(holder.weight, byte, bit)
    assert digest(holder) == mark


def test_the_digest_notices_places_signs_names_and_buffers() -> None:
    weights = torch.zeros(BIG)
    weights[3], weights[70_000] = 1.0, 2.0
    seen = [digest(Holder(weights.clone()))]
    for places in ([3, 70_000], [3, 4], [3, 3 + 65_536], [70_000, BIG - 1]):
        swapped = weights.clone()
        swapped[places] = weights[places[::-1]]
        seen.append(digest(Holder(swapped)))
    for place in (0, 1, 2, BIG - 1):
        signed = weights.clone()
        signed[place] = -0.0
        seen.append(digest(Holder(signed)))
    seen.append(digest(Holder(weights.view(1, -1))))
    holder = Holder(weights.clone())
    holder.table[2] += 1
    seen.append(digest(holder))
    seen.append(digest(Holder(torch.full((BIG,), float("nan")))))
    assert len(set(seen)) == len(seen)
    assert all(len(mark) == 32 for mark in seen)


def test_the_digest_is_the_sum_of_words_times_odd_numbers() -> None:
    weights = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    numbers = np.frombuffer(hashlib.shake_128(b"lesion").digest(8 * 8192), "<u8") | 1
    hashed = hashlib.blake2b(digest_size=16)
    for name, tensor, about in (
        ("weight", weights, "torch.float32\0(20000,)"),
        ("table", torch.arange(5), "torch.int64\0(5,)"),
    ):
        raw = tensor.numpy().tobytes()
        hashed.update(f"{name}\0{about}\0".encode())
        words = np.frombuffer(raw + b"\0" * (-len(raw) % (4 * 8192)), "<i4").reshape(-1, 8192)
        for row in words:
            total = sum(int(word) * int(number) for word, number in zip(row, numbers, strict=True))
            hashed.update((total % 2**64).to_bytes(8, "little"))
    for threads in (1, 2, 3):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            assert digest(Holder(weights)) == hashed.hexdigest()
        finally:
            torch.set_num_threads(before)


def test_the_digest_notices_signs_that_flip_together() -> None:
    """Highest bits alone, in pairs and all of them: where sums of words as they are would cancel."""
    weights = torch.randn(BIG, generator=torch.Generator().manual_seed(0))
    seen = {digest(Holder(weights.clone()))}
    for places in ([0, 1], [0, 2], [1, 8193], list(range(100)), list(range(0, BIG, 2)), list(range(BIG))):
        flipped = weights.clone()
        flipped[places] *= -1
        seen.add(digest(Holder(flipped)))
    assert len(seen) == 7


def test_weights_digest_is_sha256_of_names_shapes_and_bytes() -> None:
    holder = Holder(torch.tensor([1.5, -0.0]))
    text = hashlib.sha256(b"weight\0torch.float32\0(2,)\0" + holder.weight.numpy().tobytes())
    text.update(b"table\0torch.int64\0(5,)\0" + holder.table.numpy().tobytes())
    assert weights_digest(holder) == text.hexdigest()
