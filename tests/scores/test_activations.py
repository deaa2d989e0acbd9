"""|w| and |w| ‖x‖ against numpy, with the inputs computed from what the model's own parts return."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import LesionError
from engine.models.loading import LoadedModel
from engine.scores import ScoreSpec, rank
from tests.scores.conftest import FAMILIES, windows
from tests.scores.test_gradients import scored


@pytest.mark.parametrize("name", FAMILIES)
def test_magnitude_reads_no_text(subjects: dict[str, LoadedModel], name: str) -> None:
    found = scored(subjects[name], ScoreSpec("magnitude", text="no such file"))
    for parameter, weights in subjects[name].model.named_parameters():
        assert np.array_equal(found[parameter].numpy(), np.abs(weights.detach().numpy()))


# By family: a matrix, the part of block 1 whose output is its input, and whether it is stored as [in, out].
INPUTS = {
    "llama": [
        ("mlp.up_proj.weight", "post_attention_layernorm", False),
        ("self_attn.v_proj.weight", "input_layernorm", False),
    ],
    "gpt2": [("attn.c_attn.weight", "ln_1", True), ("mlp.c_proj.weight", "mlp.act", True)],
    "neox": [
        ("attention.query_key_value.weight", "input_layernorm", False),
        ("mlp.dense_4h_to_h.weight", "mlp.act", False),
    ],
}


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize(("name", "which"), [(name, which) for name in INPUTS for which in (0, 1)])
def test_act_magnitude_is_the_weight_times_the_length_of_its_input(
    subjects: dict[str, LoadedModel], text: Callable[..., str], name: str, which: int, batch_size: int
) -> None:
    loaded = subjects[name]
    matrix, source, transposed = INPUTS[name][which]
    block = loaded.architecture.blocks[1]
    squares = np.zeros(1)

    def add(module: torch.nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal squares
        squares = squares + (output.double().numpy().reshape(-1, output.shape[-1]) ** 2).sum(axis=0)

    hook = block.get_submodule(source).register_forward_hook(add)
    with torch.inference_mode():
        for ids in windows(loaded, 24):
            loaded.model(input_ids=torch.tensor([ids]), use_cache=False)
    hook.remove()

    parameter = block.get_parameter(matrix)
    (full,) = [key for key, value in loaded.model.named_parameters() if value is parameter]
    group = "mlp_only" if "mlp" in matrix else "attn_all"
    found = scored(loaded, ScoreSpec("act_magnitude", text=text(), context=24, batch_size=batch_size), group)[full]
    norms = np.sqrt(squares)[:, None] if transposed else np.sqrt(squares)[None]
    assert np.allclose(found, np.abs(parameter.detach().double().numpy()) * norms, rtol=1e-4)


def test_an_untied_head_is_a_matrix_too(subjects: dict[str, LoadedModel], text: Callable[..., str]) -> None:
    loaded = subjects["llama"]
    (head,) = [piece for piece in loaded.architecture.slices("all") if piece.parameter == "lm_head.weight"]
    spec = ScoreSpec("act_magnitude", text=text(), context=24)
    ranking = rank([head], loaded, spec, 1, largest=True)
    squares = torch.zeros(32, dtype=torch.float64)
    with torch.inference_mode():
        for ids in windows(loaded, 24):
            hidden = loaded.architecture.decoder(input_ids=torch.tensor([ids])).last_hidden_state
            squares += hidden.double().square().sum((0, 1))
    expected = head.tensor.double().abs() * squares.sqrt()
    assert int(ranking.indices[0]) == int(expected.argmax())
    assert float(ranking.scores[0]) == pytest.approx(float(expected.max()), rel=1e-4)


@pytest.mark.parametrize(("name", "group"), [("gpt2", "embed_only"), ("llama", "embed_only"), ("neox", "all")])
def test_what_is_no_matrix_of_one_layer_is_refused(
    subjects: dict[str, LoadedModel], text: Callable[..., str], name: str, group: str
) -> None:
    loaded = subjects[name]
    with pytest.raises(LesionError, match="is not the matrix of one linear layer") as caught:
        rank(loaded.architecture.slices(group), loaded, ScoreSpec("act_magnitude", text=text()), 1, largest=True)
    assert "use groups of attention or MLP matrices" in str(caught.value)


def test_experts_are_refused(text: Callable[..., str], subjects: dict[str, LoadedModel]) -> None:
    from dataclasses import replace

    from transformers import MixtralConfig, MixtralForCausalLM

    from engine.models.architecture import architecture

    shape = {"vocab_size": 272, "hidden_size": 16, "intermediate_size": 8, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "num_local_experts": 2}
    model = MixtralForCausalLM(MixtralConfig(**shape, **heads)).eval().requires_grad_(False)
    parts = architecture(model)
    loaded = replace(subjects["llama"], model=model, architecture=parts, name="experts")
    spec = ScoreSpec("act_magnitude", text=text())
    with pytest.raises(LesionError, match=r"experts: model.layers.0.mlp.experts"):
        rank(parts.slices("mlp_down"), loaded, spec, 1, largest=True)
    assert len(rank(parts.slices("attn_all"), loaded, spec, 4, largest=True)) == 4
    gradient = replace(spec, name="grad_x_weight")
    found = rank(parts.slices("mlp_down"), loaded, gradient, 9, largest=True, scope="per_tensor")
    assert found.names == ("model.layers.0.mlp.experts.down_proj",)
    assert all(len(entry.index) == 3 for entry in found.entries())
