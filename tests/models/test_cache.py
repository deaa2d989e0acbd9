"""Keys and values are handed on by the name that the model's own forward has for them."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from engine.measure.generation.decoding import Continuation, write_on
from engine.measure.generation.pictures import Encoded
from engine.measure.generation.sampling import greedy
from engine.models.cache import cache_argument, kept, make_room
from tests.models.variants import VARIANTS, build


class OlderLlama(LlamaForCausalLM):  # type: ignore[misc]  # its package is not followed by mypy
    """As in releases before 5.24, and in models that bring their code: one older name, there and back."""

    def forward(self, input_ids: Tensor, past_key_values: Any = None, **rest: Any) -> SimpleNamespace:
        assert "cache" not in rest
        output = super().forward(input_ids=input_ids, cache=past_key_values, **rest)
        self.lengths.append(input_ids.shape[1])
        return SimpleNamespace(logits=output.logits, past_key_values=output.cache)


def continued(model: Any) -> list[Continuation]:
    prompts = [Encoded([5, 17, 41, 33]), Encoded([8, 60])]
    return write_on(model, prompts, [6, 6], frozenset(), 0, greedy)


def test_both_names_give_the_same_text_one_token_a_pass() -> None:
    model = build("Llama")
    expected = continued(model)
    model.__class__ = OlderLlama
    model.lengths = []
    assert cache_argument(model) == "past_key_values"
    assert continued(model) == expected
    assert model.lengths == [4, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_family_keeps_its_keys_and_values(variant: str) -> None:
    model = build(variant)
    ids = torch.tensor([[5, 17, 41, 33, 8, 60]])
    with torch.inference_mode():
        whole = model(input_ids=ids, use_cache=False)
        first = model(input_ids=ids[:, :5], use_cache=True, **{cache_argument(model): None})
        last = model(input_ids=ids[:, 5:], use_cache=True, **{cache_argument(model): kept(first)})
    assert last.logits.shape[1] == 1
    assert torch.allclose(last.logits[:, -1], whole.logits[:, -1], atol=1e-4)
    assert kept(whole) is None


def test_keys_are_written_into_room_made_for_them() -> None:
    model = build("Llama")
    ids = torch.tensor([[5, 17, 41, 33], [8, 60, 2, 9]])
    places, sizes = set(), []
    with torch.inference_mode():
        whole = model(input_ids=torch.cat([ids, ids[:, :3]], dim=1), use_cache=False).logits
        output = model(input_ids=ids, use_cache=True)
        make_room(kept(output), 6)
        for step in range(3):
            output = model(input_ids=ids[:, step : step + 1], use_cache=True, **{cache_argument(model): kept(output)})
            places.add(kept(output).layers[0].keys.data_ptr())
            sizes.append(kept(output).get_seq_length())
            assert torch.allclose(output.logits[:, -1], whole[:, 4 + step], atol=1e-5)
    assert sizes == [5, 6, 7]
    assert len(places) == 2, "only the seventh token, for which there was no room, moves what is there"


def test_texts_that_have_ended_leave_the_batch() -> None:
    prompts = [Encoded([5 + row, 17, 41, 33][: 2 + row % 3]) for row in range(12)]
    model, limits = build("Llama"), [2, 3, 9, 9, 3, 2, 9, 2, 2, 9, 12, 5]
    alone = [write_on(model, prompts, [limit] * 12, frozenset(), 0, greedy)[row] for row, limit in enumerate(limits)]
    seen: list[int] = []
    hook = model.register_forward_pre_hook(
        lambda _, args, named: seen.append(len(named["input_ids"])), with_kwargs=True
    )
    together = write_on(model, prompts, limits, frozenset(), 0, greedy)
    hook.remove()
    assert together == alone
    assert seen == [12, 12, 8, 6, 6, 5, 5, 5, 5, 4, 4, 4]
