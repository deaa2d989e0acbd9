"""Every score on every supported family: gradients against plain autograd, the others as far as they apply."""

from collections.abc import Callable

import pytest
import torch

from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.scores import ScoreSpec, rank
from tests.models.variants import VARIANTS, opened
from tests.scores.test_gradients import scored

DOCUMENTS = ("the kettle sang all night", "rain at last")


@pytest.fixture
def loaded(variant: str) -> LoadedModel:
    return opened(variant)


def gradient_by_hand(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    """The gradient of the mean loss of a token, every document by itself."""
    loss, tokens = torch.zeros(()), 0
    loaded.model.requires_grad_(True)
    for document in DOCUMENTS:
        ids = loaded.tokenizer(document)["input_ids"]
        logits = loaded.model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
        loss = loss - torch.log_softmax(logits[:-1].float(), dim=-1)[range(len(ids) - 1), ids[1:]].sum()
        tokens += len(ids) - 1
    found = torch.autograd.grad(
        loss / tokens, list(loaded.model.parameters()), materialize_grads=True, allow_unused=True
    )
    loaded.model.requires_grad_(False)
    return dict(zip(dict(loaded.model.named_parameters()), found, strict=True))


@pytest.mark.parametrize("variant", VARIANTS)
def test_scores_of_every_family(loaded: LoadedModel, text: Callable[..., str]) -> None:
    source = text(*DOCUMENTS)
    expected = gradient_by_hand(loaded)
    weights = dict(loaded.model.named_parameters())
    products = {name: (expected[name] * weights[name]).abs() for name in weights}
    floor = 1e-6 * max(float(product.max()) for product in products.values())  # gradients that are 0 but for rounding
    for name, scores in scored(loaded, ScoreSpec("grad_x_weight", text=source)).items():
        product = products[name]
        assert torch.allclose(scores, product, rtol=5e-3, atol=1e-4 * float(product.max()) + floor), name

    for group in ("attn_o", "mlp_down"):
        spec = ScoreSpec("hutchinson", text=source, probes=1)
        ranking = rank(loaded.architecture.slices(group), loaded, spec, 1.0, largest=True)
        assert ranking.scores.isfinite().all()
        assert float(ranking.scores[0]) > 0

    inputs = ScoreSpec("act_magnitude", text=source)
    for group in ("attn_all", "mlp_only"):
        slices = loaded.architecture.slices(group)
        if any(piece.expert is not None for piece in slices):
            with pytest.raises(LesionError, match="experts"):
                rank(slices, loaded, inputs, 1, largest=True)
        else:
            ranking = rank(slices, loaded, inputs, 1.0, largest=True)
            assert len(ranking) == sum(piece.numel for piece in slices)
            assert float(ranking.scores[0]) > 0
