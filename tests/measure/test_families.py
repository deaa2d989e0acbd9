"""What hooks see in every supported family: the sums must come out, and padding must not show."""

from typing import Any

import pytest
import torch
from torch import Tensor

from engine.measure.residual_gain.run import head_density
from engine.measure.watching import watch_blocks, watch_parts
from engine.models.architecture import Architecture, architecture
from tests.models.variants import LAYERS, VARIANTS, VOCABULARY, build

# What these add to the residual stream is normalised or scaled first, or the sum is normalised afterwards.
NOT_PLAIN_SUMS = {"Gemma 2", "Gemma 3", "Gemma 3, capped", "Gemma 3 with images", "OLMo-2", "Granite", "OPT-350m"}
LONG, SHORT = 11, 7

Seen = dict[tuple[int, str, str], Tensor]


@torch.no_grad()
def watched(parts: Architecture, ids: Tensor, mask: Tensor) -> Seen:
    seen: Seen = {}

    def see(layer: int, part: str, side: str, tensor: Tensor) -> None:
        seen[layer, part, side] = tensor.clone().reshape(*ids.shape, -1)

    with watch_parts(parts, see), watch_blocks(parts, range(LAYERS), see):
        parts.decoder(input_ids=ids, attention_mask=mask, use_cache=False)
    return seen


def texts() -> tuple[Tensor, Tensor]:
    ids = torch.randint(1, VOCABULARY, (2, LONG), generator=torch.Generator().manual_seed(4))
    mask = torch.ones_like(ids)
    mask[1, SHORT:] = 0
    return ids, mask


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_part_is_seen_and_adds_up(variant: str) -> None:
    parts = architecture(build(variant))
    ids, mask = texts()
    seen = watched(parts, ids[:1], mask[:1])
    assert len(seen) == LAYERS * 3 * 2
    for layer in range(LAYERS):
        for part in ("attention", "mlp"):
            assert seen[layer, part, "in"].shape == seen[layer, part, "out"].shape
        if variant in NOT_PLAIN_SUMS:
            continue
        total = sum(seen[layer, part, side] for part, side in (("block", "in"), ("attention", "out"), ("mlp", "out")))
        torch.testing.assert_close(total, seen[layer, "block", "out"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(seen[1, "block", "in"], seen[0, "block", "out"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_padding_changes_nothing_on_real_tokens(variant: str) -> None:
    parts = architecture(build(variant))
    ids, mask = texts()
    together, alone = watched(parts, ids, mask), watched(parts, ids[1:, :SHORT], mask[1:, :SHORT])
    for key, tensor in alone.items():
        torch.testing.assert_close(together[key][1:, :SHORT], tensor, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
def test_logits_can_be_asked_for_at_chosen_places(variant: str) -> None:
    model: Any = build(variant)
    ids, mask = texts()
    places = torch.tensor([2, 5, 6])
    with torch.no_grad():
        whole = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        chosen = model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=places).logits
    torch.testing.assert_close(chosen, whole[:, places])


@pytest.mark.parametrize("variant", VARIANTS)
def test_density_of_heads_is_that_of_the_attention_found(variant: str) -> None:
    model = build(variant)
    attention = architecture(model).attentions[0]
    ranges = attention.q.ranges or ((0, attention.q.tensor.shape[attention.q.dim]),)
    size = sum(high - low for low, high in ranges) / attention.heads
    assert head_density(model.config) == attention.heads / size
