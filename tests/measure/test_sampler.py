"""Sampling: the softmax's distribution, from noise that only the seed, the prompt, the step and the token decide."""

import hashlib
import math

import numpy as np
import pytest
import torch
from scipy import stats

from engine.catalog import SAMPLER_VERSION
from engine.measure.generation.decoding import write_on
from engine.measure.generation.pictures import Encoded
from engine.measure.generation.sampling import Sampler, keys_of
from engine.models.loading import LoadedModel, load
from engine.petri import PETRI
from engine.profile import ModelSpec
from engine.weights.counter import gumbel, gumbel_bounds

MASK = 2**64 - 1


def uniform_by_hand(seed: int, index: int, step: int, token: int) -> float:
    """In whole numbers up to the last division."""
    text = f"sample\0{SAMPLER_VERSION}\0{seed}\0{index}".encode()
    keys = hashlib.blake2b(text, digest_size=16).digest()
    first, second = int.from_bytes(keys[:8], "little"), int.from_bytes(keys[8:], "little")
    x = ((step * 2**32 + token) * 0x9E3779B97F4A7C15 + first) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK) ^ second
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return (2 * ((x ^ x >> 31) >> 12) + 1) / 2**53


def noise_by_hand(seed: int, index: int, step: int, vocabulary: int) -> np.ndarray:
    return np.array([-math.log(-math.log(uniform_by_hand(seed, index, step, token))) for token in range(vocabulary)])


def noise(seed: int, index: int, step: int, vocabulary: int) -> np.ndarray:
    """What a sampler adds to the logits."""
    drawn = np.empty(vocabulary)
    gumbel(step << 32, *keys_of(seed, index), drawn)
    return drawn


@pytest.mark.parametrize(("seed", "index", "step"), [(42, 0, 0), (42, 7, 1), (-3, 2, 70_000)])
def test_the_noise_is_the_formula(seed: int, index: int, step: int) -> None:
    expected = noise_by_hand(seed, index, step, 2500)  # beyond one stretch of the loop and no multiple of it
    np.testing.assert_allclose(noise(seed, index, step, 2500), expected, rtol=0, atol=1e-14)


def test_the_noise_is_that_of_sampler_version_2() -> None:
    """Bit for bit on every processor: whoever changes it raises SAMPLER_VERSION."""
    assert SAMPLER_VERSION == 2
    bits = noise(7, 3, 5, 50_000).tobytes()
    assert hashlib.sha256(bits).hexdigest() == "f3af286506c96e37e335ff7fa7c73b471ac6699d866bcd45d70e46040a2e7a1b"


def test_gumbel_numbers_far_out_are_finite_and_right() -> None:
    """A position whose word is all zeros or all ones: the smallest and the largest number that can come."""
    inverse = [pow(factor, -1, 2**64) for factor in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)]
    for word, expected in ((0, -math.log(53 * math.log(2))), (MASK, -math.log(-math.log1p(-(2.0**-53))))):
        x = _unshift(word, 31) * inverse[2] & MASK
        x = _unshift(_unshift(x, 27) * inverse[1] & MASK, 30) * inverse[0] & MASK
        made = np.empty(1)
        gumbel(int(np.uint64(x).astype(np.int64)), np.uint64(0), np.uint64(0), made)
        assert made[0] == pytest.approx(expected, abs=1e-14)


def _unshift(x: int, by: int) -> int:
    """y with y ^ (y >> by) == x."""
    y = x
    for _ in range(64 // by):
        y = x ^ y >> by
    return y


@pytest.mark.parametrize("temperature", [0.05, 1.0, 100.0])
@pytest.mark.parametrize("vocabulary", [9, 1024, 5000])
def test_what_is_drawn_is_the_largest_of_logits_with_all_their_noise(vocabulary: int, temperature: float) -> None:
    logits = 3 * torch.randn(12, vocabulary, generator=torch.Generator().manual_seed(vocabulary))
    logits[3, ::2], logits[4] = -math.inf, 0.0
    for step in range(5):
        noisy = temperature * np.stack([noise(8, row, step, vocabulary) for row in range(12)]) + logits.double().numpy()
        assert Sampler(8, range(12), temperature)(logits, step).tolist() == noisy.argmax(axis=1).tolist()


def test_no_noise_exceeds_its_bound() -> None:
    keys, bounds = keys_of(1, 2), np.empty(1_000_000)
    gumbel_bounds(5, *keys, bounds)
    numbers = np.empty(1_000_000)
    gumbel(5, *keys, numbers)
    assert (numbers <= bounds).all()
    assert np.median(bounds - numbers) < 1.5


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5, 100.0])
def test_draws_follow_the_softmax(temperature: float) -> None:
    logits = np.array([0.0, 1.0, 2.0, -1.0, -np.inf, 2.0, 0.5, -0.25, 1.5])
    rows, steps = 50, 400
    sampler = Sampler(11, range(rows), temperature)
    batch = torch.tensor(logits, dtype=torch.float32).expand(rows, -1)
    drawn = torch.stack([sampler(batch, step) for step in range(steps)])
    counts = np.bincount(drawn.flatten().numpy(), minlength=len(logits))
    shares = np.exp(logits / temperature) / np.exp(logits / temperature).sum()
    assert counts[4] == 0
    possible = shares > 0
    assert stats.chisquare(counts[possible], shares[possible] * rows * steps).pvalue > 0.01
    before, after = (drawn[half::2].flatten().numpy() for half in (0, 1))
    neighbours = np.histogram2d(before, after, bins=np.arange(-0.5, 9))[0]
    assert stats.chi2_contingency(neighbours[possible][:, possible]).pvalue > 0.01  # one step says nothing of the next


def test_a_row_draws_the_same_in_any_batch_and_vocabulary() -> None:
    logits = torch.randn(6, 1000, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([logits, torch.full((6, 24), -math.inf)], dim=1)
    together = Sampler(5, range(6), 0.8)
    for step in range(4):
        drawn = together(logits, step).tolist()
        assert Sampler(5, [4, 1], 0.8)(logits[[4, 1]], step).tolist() == [drawn[4], drawn[1]]
        assert Sampler(5, range(6), 0.8)(padded, step).tolist() == drawn


def test_draws_of_like_distributions_part_as_seldom_as_they_may() -> None:
    """Two softmaxes at total variation distance d that share their noise draw apart with probability at most
    2 d / (1 + d); drawn by inverting cumulative sums, these would do so ten times as often."""
    random = np.random.default_rng(1)
    healthy = random.normal(0, 1, 5000)
    damaged = healthy + random.normal(0, 0.02, 5000)
    shares = [np.exp(logits) / np.exp(logits).sum() for logits in (healthy, damaged)]
    distance = abs(shares[0] - shares[1]).sum() / 2
    rows, steps = 40, 50
    apart = 0
    for step in range(steps):
        drawn = [Sampler(9, range(rows), 1.0)(torch.tensor(each).expand(rows, -1), step) for each in (healthy, damaged)]
        apart += int((drawn[0] != drawn[1]).sum())
    bound = 2 * distance / (1 + distance)
    assert 0 < apart <= rows * steps * bound + 3 * math.sqrt(rows * steps * bound)


@pytest.fixture
def petri() -> LoadedModel:
    folder = PETRI["petri-60k"]
    return load(ModelSpec(names=(str(folder),)), str(folder), torch.device("cpu"))


def test_a_damaged_model_shares_its_noise_with_the_healthy_one(petri: LoadedModel) -> None:
    """Every token is the argmax of this model's logits and the noise by hand, so texts part where that argmax does."""
    prompts = [petri.tokenizer(text)["input_ids"] for text in ("the old fox", "a crow", "once")]
    healthy, damaged = _sampled(petri, prompts), []
    with torch.no_grad():
        for scale in (1.0 + 1e-5, 1.3):
            weight = petri.model.gpt_neox.layers[0].mlp.dense_4h_to_h.weight
            weight.mul_(scale)
            damaged.append(_sampled(petri, prompts))
    assert damaged[0] == healthy
    assert damaged[1] != healthy
    for index, (prompt, tokens) in enumerate(zip(prompts, damaged[1], strict=True)):
        for step, token in enumerate(tokens):
            with torch.no_grad():
                logits = petri.model(torch.tensor([prompt + tokens[:step]]), use_cache=False).logits[0, -1].double()
            assert (logits.numpy() + noise_by_hand(3, index, step, len(logits))).argmax() == token


def _sampled(loaded: LoadedModel, prompts: list[list[int]]) -> list[list[int]]:
    rows = [Encoded(prompt) for prompt in prompts]
    written = write_on(loaded.model, rows, [12] * len(rows), frozenset(), 0, Sampler(3, range(len(rows)), 1.0))
    return [continuation.tokens for continuation in written]
