"""Muon: the orthogonal direction against a singular value decomposition, and a step worked out by hand."""

import torch

from engine.growing.muon import Muon, orthogonal


def test_directions_keep_singular_vectors_and_even_out_singular_values() -> None:
    generator = torch.Generator().manual_seed(3)
    for shape in ((4, 6, 6), (2, 8, 3), (3, 5, 20)):
        matrices = torch.randn(shape, generator=generator)
        for matrix, direction in zip(matrices, orthogonal(matrices), strict=True):
            left, _, right = torch.linalg.svd(matrix, full_matrices=False)
            along = left.T @ direction @ right.T
            assert along.diagonal().min() > 0.4
            assert along.diagonal().max() < 1.35
            assert (along - along.diagonal().diag()).abs().max() < 1e-3


def test_the_first_step_goes_against_the_gradient_by_the_rate() -> None:
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    weight.grad = torch.tensor([[3.0, 0.0], [0.0, 3.0]])
    Muon([weight]).step(0.5)
    assert weight[0, 1] == weight[1, 0] == 0
    assert 0.5 * 0.6 < -weight[0, 0].item() < 0.5 * 1.35
    assert weight[0, 0] == weight[1, 1]


def test_a_tall_matrix_moves_further_by_the_root_of_its_shape() -> None:
    tall, wide = torch.nn.Parameter(torch.zeros(8, 2)), torch.nn.Parameter(torch.zeros(2, 8))
    gradient = torch.randn(8, 2, generator=torch.Generator().manual_seed(1))
    tall.grad, wide.grad = gradient, gradient.T.clone()
    Muon([tall, wide]).step(1.0)
    torch.testing.assert_close(tall, 2 * wide.T)
