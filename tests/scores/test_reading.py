"""The loss behind the scores: float64 from the logits on, in blocks that do not show, differentiable twice."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from engine.models.loading import LoadedModel
from engine.scores import ScoreSpec, reading
from engine.scores.reading import Reading, total_loss


def logits_and_targets(rows: int, vocabulary: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(0, vocabulary, (rows,), generator=generator)
    targets[::5] = -100  # left out
    return 3 * torch.randn(rows, vocabulary, generator=generator), targets


def test_loss_and_gradient_of_a_large_vocabulary_lose_nothing() -> None:
    logits, targets = logits_and_targets(60, 50_000)
    logits.requires_grad_(True)
    loss = total_loss(logits, targets)
    loss.backward()
    wide = logits.detach().numpy().astype(np.longdouble)
    shifted = wide - wide.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    scored = targets.numpy() >= 0
    expected = -log_p[scored, targets.numpy()[scored]].sum()
    assert abs(loss.item() / float(expected) - 1) < 1e-14
    gradient = np.exp(log_p) * scored[:, None]
    gradient[scored, targets.numpy()[scored]] -= 1
    assert logits.grad is not None
    assert logits.grad.dtype == torch.float32
    assert np.allclose(logits.grad.numpy(), gradient.astype(np.float64), rtol=1e-7, atol=0)  # rounded once


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_blocks_do_not_show(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    states, targets = logits_and_targets(40, 12)
    weights = torch.randn(12, 30, generator=torch.Generator().manual_seed(1)).double()
    vector = weights.sign()
    monkeypatch.setattr(reading, "_BLOCK_BYTES", rows * 30 * 8)
    found = []
    for loss_of in (total_loss, lambda logits, aims: cross_entropy(logits, aims, reduction="sum")):
        leaf = weights.clone().requires_grad_(True)
        loss = loss_of(states.double() @ leaf, targets)
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
        found.append([loss, gradient, *torch.autograd.grad(gradient, leaf, vector)])
    for ours, plain in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)


def test_no_float64_copy_of_all_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What autograd keeps for the way back is the logits and nothing as large in wider numbers."""
    monkeypatch.setattr(reading, "_BLOCK_BYTES", 3 * 200 * 8)
    kept: list[Tensor] = []
    logits, targets = logits_and_targets(50, 200)

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        total_loss(logits.requires_grad_(True), targets)
    assert not any(tensor.dtype == torch.float64 and tensor.numel() > 50 for tensor in kept)


@pytest.mark.parametrize("name", ["llama", "gpt2", "petri"])
def test_mean_loss_of_a_token(name: str, subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    loaded, text = subjects[name], "rain at last"
    (tmp_path / "text.txt").write_text(text)
    ids = torch.tensor([loaded.tokenizer(text)["input_ids"]])
    with torch.no_grad():
        logits = loaded.model(input_ids=ids, use_cache=False).logits[0, :-1].double()
    expected = -torch.log_softmax(logits, -1)[range(ids.shape[1] - 1), ids[0, 1:]].mean()
    found = Reading(loaded, ScoreSpec("magnitude", text=str(tmp_path / "text.txt"))).nll()
    assert found == pytest.approx(float(expected), rel=1e-9)
