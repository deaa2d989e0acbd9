"""Starting at the first damaged block: the same bits as a whole pass, in every family, from every block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.methods.skip import skip
from engine.models.architecture import Architecture, architecture
from engine.models.cache import cache_argument
from engine.models.reuse import Reuse
from engine.weights.draws import Draws
from tests.models.variants import VARIANTS, VOCABULARY, build

DEPTH = 4
LENGTHS = (11, 7, 1)


def texts(seed: int = 4) -> dict[str, Tensor]:
    """Three rows, two of them padded."""
    ids = torch.randint(1, VOCABULARY, (len(LENGTHS), max(LENGTHS)), generator=torch.Generator().manual_seed(seed))
    mask = torch.tensor([[1] * length + [0] * (max(LENGTHS) - length) for length in LENGTHS])
    return {"input_ids": ids, "attention_mask": mask}


@contextmanager
def computed(parts: Architecture) -> Iterator[list[int]]:
    """The blocks whose attention really runs, in order."""
    found: list[int] = []
    hooks = [
        parts.attention(layer).exit.register_forward_pre_hook(lambda *_, layer=layer: found.append(layer))
        for layer in range(len(parts.blocks))
    ]
    yield found
    for hook in hooks:
        hook.remove()


@contextmanager
def damaged(parts: Architecture, first: int) -> Iterator[None]:
    """Noise on all weights of the blocks from `first` on, another for each `first`."""
    found = [parameter for block in parts.blocks[first:] for parameter in block.parameters()]
    before = [parameter.clone() for parameter in found]
    generator = torch.Generator().manual_seed(first)
    for parameter in found:
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    yield
    for parameter, value in zip(found, before, strict=True):
        parameter.copy_(value)


def bits(logits: Tensor) -> bytes:
    return logits.contiguous().numpy().tobytes()


@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_logits_are_those_of_a_whole_pass_bit_for_bit(variant: str) -> None:
    """Up and down through the layers, so that passes start at the block asked for, before it, and at the very first."""
    model: Any = build(variant, DEPTH)
    parts = architecture(model)
    reuse = Reuse(model, parts)
    assert reuse.fault is None
    given = texts()
    undamaged = bits(model(**given, use_cache=False).logits)
    starts = []
    for first in (1, 3, 3, 2, 2, 3):
        with damaged(parts, first):
            whole = bits(model(**given, use_cache=False).logits)
            with computed(parts) as ran, reuse.starting_at(first, "test"):
                assert bits(model(**given, use_cache=False).logits) == whole
        assert whole != undamaged
        starts.append(ran[0])
        assert ran == list(range(ran[0], DEPTH))
    assert starts == [0, 1, 3, 0, 2, 2]
    assert bits(model(**given, use_cache=False).logits) == undamaged


@pytest.fixture
def llama() -> tuple[Any, Architecture]:
    model = build("Llama", DEPTH)
    return model, architecture(model)


@torch.inference_mode()
def test_another_batch_another_mask_and_another_measurement_never_share(llama: tuple[Any, Architecture]) -> None:
    model, parts = llama
    reuse = Reuse(model, parts)
    one, other = texts(), texts(seed=5)
    longer = one | {"attention_mask": torch.ones_like(one["attention_mask"])}
    batches = [one, other, longer]
    whole = [bits(model(**given, use_cache=False).logits) for given in batches]
    for whose, expected in (("a", [0, 0, 0]), ("b", [0, 0, 0]), ("a", [2, 2, 2])):
        with reuse.starting_at(2, whose), computed(parts) as ran:
            starts = []
            for given, right in zip(batches, whole, strict=True):
                ran.clear()
                assert bits(model(**given, use_cache=False).logits) == right
                starts.append(ran[0])
        assert starts == expected


@torch.inference_mode()
def test_one_residual_stream_a_batch_is_kept_and_only_of_the_batches_last_met(llama: tuple[Any, Architecture]) -> None:
    model, parts = llama
    reuse = Reuse(model, parts)
    assert reuse.nbytes == 0
    for batches in ([texts(), texts(5)], [texts(5)]):
        for first in (1, 2):
            with reuse.starting_at(first, "test"):
                for given in batches:
                    model(**given, use_cache=False)
            assert reuse.nbytes == len(batches) * 3 * max(LENGTHS) * 32 * 4
    reuse.clear()
    assert reuse.nbytes == 0


@torch.inference_mode()
def test_a_pass_with_a_cache_is_a_whole_one(llama: tuple[Any, Architecture]) -> None:
    from transformers import DynamicCache

    model, parts = llama
    reuse = Reuse(model, parts)
    for _ in range(2):
        with reuse.starting_at(2, "test"), computed(parts) as ran:
            parts.decoder(**texts(), **{cache_argument(parts.decoder): DynamicCache()})
        assert ran == list(range(DEPTH))
    assert reuse.nbytes == 0


@torch.inference_mode()
def test_a_pass_that_fails_leaves_the_model_as_it_was(llama: tuple[Any, Architecture]) -> None:
    model, parts = llama
    reuse = Reuse(model, parts)
    given = texts()
    whole = bits(model(**given, use_cache=False).logits)
    with reuse.starting_at(2, "test"):
        model(**given, use_cache=False)

    def fail(*_: Any) -> None:
        raise MemoryError

    hook = parts.blocks[3].register_forward_pre_hook(fail)
    with pytest.raises(MemoryError), reuse.starting_at(2, "test"):
        model(**given, use_cache=False)
    hook.remove()
    assert all("forward" not in vars(module) for module in model.modules())
    assert bits(model(**given, use_cache=False).logits) == whole


@torch.inference_mode()
def test_a_library_that_wraps_modules_finds_them_wrapped_afterwards(llama: tuple[Any, Architecture]) -> None:
    """As accelerate does with a model spread over devices."""
    from accelerate.hooks import AlignDevicesHook, add_hook_to_module

    model, parts = llama
    modules = [parts.decoder, *parts.blocks, *(parts.mlp(layer).exit for layer in range(DEPTH))]
    for module in modules:
        add_hook_to_module(module, AlignDevicesHook(execution_device="cpu", io_same_device=True))
    wrapped = [vars(module)["forward"] for module in modules]
    reuse = Reuse(model, parts)
    assert reuse.fault is None
    with skip(parts, "mlp_only", {3}, 1.0, Draws(1)):
        whole = bits(model(**texts(), use_cache=False).logits)
        for start in (0, 2):
            with reuse.starting_at(2, "test"), computed(parts) as ran:
                assert bits(model(**texts(), use_cache=False).logits) == whole
            assert ran[0] == start
    assert [vars(module)["forward"] for module in modules] == wrapped
    assert bits(model(**texts(), use_cache=False).logits) != whole


def test_a_model_that_remembers_beside_its_hidden_states_is_found_out(llama: tuple[Any, Architecture]) -> None:
    """Block 3 adds what block 0's attention gave: a start in between would use that of another batch."""
    model, parts = llama
    seen: list[Tensor] = []
    parts.attention(0).exit.register_forward_hook(lambda module, args, output: seen.append(output))
    parts.mlp(3).exit.register_forward_hook(lambda module, args, output: output + seen[-1])
    reuse = Reuse(model, parts)
    assert reuse.fault == "logits of passes that start at layer 1 differ from those of whole passes"
    with torch.inference_mode(), reuse.starting_at(2, "test"), computed(parts) as ran:
        model(**texts(), use_cache=False)
        model(**texts(), use_cache=False)
    assert ran == list(range(DEPTH)) * 2


def test_blocks_that_share_weights_and_blocks_of_another_kind_are_found_out(llama: tuple[Any, Architecture]) -> None:
    model, parts = llama
    blocks: list[Any] = list(parts.blocks)
    blocks[2].forward = lambda hidden, *args, **kwargs: torch.ones(1)
    assert "a pass that starts midway fails with" in str(Reuse(model, parts).fault)
    del blocks[2].forward
    blocks[3].mlp.down_proj.weight = blocks[1].mlp.down_proj.weight
    assert Reuse(model, parts).fault == "its blocks share weights"
