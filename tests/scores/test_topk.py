"""The streamed best against a plain sort of everything."""

import math

import numpy as np
import pytest
import torch

from engine.weights.topk import TopK


def stream(scores: torch.Tensor, k: int, largest: bool, seed: int, runs: int = 1) -> tuple[list[int], list[float]]:
    """Offers rows of `runs` pieces in random order; the scores of piece p lie at every `pieces`-th position."""
    top = TopK(k, largest=largest)
    grid = scores.view(-1, runs, 8)  # [pieces, runs, length]: position of [p, r, j] is (p * runs + r) * 8 + j
    order = np.random.default_rng(seed).permutation(len(grid))
    for piece in order:
        top.offer(grid[piece], int(piece) * runs * 8, 8)
    positions, found = top.best()
    return positions.tolist(), found.tolist()


def by_sorting(scores: torch.Tensor, k: int, largest: bool) -> list[int]:
    def key(position: int) -> tuple[bool, float, int]:
        score = float(scores[position])
        return math.isnan(score), 0.0 if math.isnan(score) else -score if largest else score, position

    return sorted(range(len(scores)), key=key)[:k]


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [0, 1, 7, 100, 1500, 4096, 5000])
def test_the_best_are_those_a_sort_finds_whatever_the_order_of_the_pieces(k: int, largest: bool) -> None:
    scores = torch.randn(4096, generator=torch.Generator().manual_seed(k))
    for seed in range(3):
        positions, found = stream(scores, k, largest, seed, runs=4)
        assert positions == by_sorting(scores, k, largest)
        assert found == scores[positions].tolist()


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [1, 5, 63, 700])
def test_equal_scores_go_by_position_and_nan_comes_last(k: int, largest: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    scores = torch.randint(0, 4, (1024,), generator=generator).float()
    scores[torch.randperm(1024, generator=generator)[:200]] = math.nan
    scores[[3, 500]] = math.inf
    for seed in range(3):
        positions, found = stream(scores, k, largest, seed)
        assert positions == by_sorting(scores, k, largest)
        assert np.array_equal(found, scores[positions].numpy(), equal_nan=True)


def test_nothing_but_nan_or_equal_scores() -> None:
    assert stream(torch.full((64,), math.nan), 3, True, 0)[0] == [0, 1, 2]
    assert stream(torch.zeros(64), 3, False, 0)[0] == [0, 1, 2]


def test_memory_stays_of_order_k() -> None:
    top = TopK(10, largest=True)
    for piece in range(2000):  # ever better, so that every piece brings ten new candidates
        top.offer(torch.arange(100.0)[None] + 100 * piece, 100 * piece, 100)
        assert sum(len(kept) for kept in top._scores) <= 1024 + 2 * 10
    assert top.best()[0].tolist() == list(range(199_999, 199_989, -1))
