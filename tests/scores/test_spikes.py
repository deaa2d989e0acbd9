"""A super weight planted in a tiny model is found and confirmed."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.errors import LesionError
from engine.measure.super_weights.run import SuperWeights
from engine.measure.super_weights.table import SuperWeightsMeasure
from engine.models.loading import LoadedModel
from engine.reading.encoding import encode
from engine.scores import ScoreSpec
from engine.scores.reading import Reading
from engine.scores.spikes import Spike, confirm, height, spikes, super_weights, typical
from engine.weights.snapshot import weights_digest
from tests.scores.conftest import open_model

TEXT = "Rain, at last!"
DOWN = {"llama": "mlp.down_proj", "gpt2": "mlp.c_proj", "neox": "mlp.dense_4h_to_h"}
UP = {"llama": "mlp.up_proj", "gpt2": "mlp.c_fc", "neox": "mlp.dense_h_to_4h"}
OUT, IN = 5, 11


@pytest.fixture(params=DOWN)
def planted(request: pytest.FixtureRequest, tiny_models: dict[str, Path]) -> tuple[str, LoadedModel]:
    """A model of its own in which input channel 11 of layer 1 is huge, and output channel 5 hangs on it."""
    loaded = open_model(tiny_models[request.param])
    block = loaded.architecture.blocks[1]
    turned = request.param == "gpt2"
    with torch.no_grad():
        up, down = (block.get_parameter(f"{part[request.param]}.weight") for part in (UP, DOWN))
        up[(slice(None), IN) if turned else (IN, slice(None))] *= 200
        column = (IN, slice(None)) if turned else (slice(None), IN)
        down[column] *= 0.001
        down[(IN, OUT) if turned else (OUT, IN)] = 4.0
    return request.param, loaded


def test_found_in_one_pass_and_confirmed(planted: tuple[str, LoadedModel], text: Callable[..., str]) -> None:
    family, loaded = planted
    before = weights_digest(loaded.model)
    found = spikes(loaded, TEXT)
    assert [spike.layer for spike in found] == [0, 1]
    (best,) = super_weights(found, times=1.5)
    assert (best.layer, best.in_channel, best.out_channel) == (1, IN, OUT)
    assert best.parameter.endswith(f"1.{DOWN[family]}.weight")
    assert best.index == ((IN, OUT) if family == "gpt2" else (OUT, IN))
    assert best.weight == 4.0
    assert 0.9 < best.share < 1.1

    spec = ScoreSpec("magnitude", text=text())
    (confirmation,) = confirm(loaded, [best], spec)
    assert weights_digest(loaded.model) == before
    parameter = dict(loaded.model.named_parameters())[best.parameter].detach()
    assert confirmation.nll == pytest.approx(Reading(loaded, spec).nll(), rel=1e-6)
    for index, expected in [
        (best.index, confirmation.nll_without),
        (second_largest(parameter), confirmation.nll_control),
    ]:
        kept = parameter[index].clone()
        parameter[index] = 0
        assert Reading(loaded, spec).nll() == pytest.approx(expected, rel=1e-6)
        parameter[index] = kept
    assert abs(confirmation.nll_without - confirmation.nll) > 3 * abs(confirmation.nll_control - confirmation.nll)


def second_largest(weights: torch.Tensor) -> tuple[int, int]:
    index = int(weights.abs().flatten().topk(2).indices[1])
    return divmod(index, weights.shape[1])


def test_spikes_are_the_extremes_of_what_the_matrix_receives_and_returns(planted: tuple[str, LoadedModel]) -> None:
    family, loaded = planted
    seen = {}
    for layer, block in enumerate(loaded.architecture.blocks):
        block.get_submodule(DOWN[family]).register_forward_hook(
            lambda module, args, output, layer=layer: seen.update({layer: (args[0][0], output[0])})
        )
    with torch.inference_mode():
        loaded.model(input_ids=torch.tensor([encode(loaded.tokenizer, TEXT)]))
    for spike in spikes(loaded, TEXT):
        received, returned = seen[spike.layer]
        assert abs(spike.input) == float(received.abs().max())
        assert spike.input == float(received[spike.in_token, spike.in_channel])
        assert abs(spike.output) == float(returned.abs().max())
        assert spike.output == float(returned[spike.out_token, spike.out_channel])
        at_output = float(received[spike.out_token, spike.in_channel])
        assert spike.share == pytest.approx(spike.weight * at_output / spike.output)


def spike(layer: int, output: float, share: float = 1.0) -> Spike:
    return Spike(layer, f"{layer}.down", (0, 0), 1.0, output, 0, 0, output, 0, 0, share)


@pytest.mark.parametrize(
    ("outputs", "middle", "ratio"),
    [
        ([1.0, -8.0, 2.0], 2.0, 4.0),
        ([1.0, -8.0, 2.0, 3.0], 2.5, 3.2),  # the mean of the two in the middle, 2 and 3
        ([0.0, 0.0], 0.0, math.nan),
        ([0.0, 0.0, -5.0], 0.0, math.inf),
        ([1.0, math.nan, 2.0], math.nan, math.nan),
        ([math.inf, 1.0, 1.0], 1.0, math.inf),
    ],
)
def test_the_median_by_hand(outputs: list[float], middle: float, ratio: float) -> None:
    found = [spike(layer, output) for layer, output in enumerate(outputs)]
    assert typical(found) == pytest.approx(middle, nan_ok=True)
    assert height(found) == pytest.approx(ratio, nan_ok=True)


def test_what_counts_and_what_is_reported_go_by_one_median() -> None:
    """Eight over the lower middle one, 2, would be four times; over the median, 2.5, it is 3.2 times."""
    found = [spike(0, 1.0), spike(1, -8.0), spike(2, 2.0), spike(3, 3.0)]
    assert height(found) == 3.2
    assert super_weights(found, times=3.3) == []
    assert super_weights(found, times=3.2) == [found[1]]
    assert super_weights([spike(0, 0.0, math.nan), spike(1, 0.0, math.nan)]) == []
    assert super_weights([spike(0, 0.0, math.nan), spike(1, 0.0, math.nan), spike(2, 5.0)])[0].layer == 2


@pytest.mark.parametrize("family", DOWN)
def test_a_model_whose_last_matrices_are_zero(family: str, tiny_models: dict[str, Path]) -> None:
    loaded = open_model(tiny_models[family])
    with torch.no_grad():
        for block in loaded.architecture.blocks:
            for name, parameter in block.named_parameters():
                if DOWN[family] in name:
                    parameter.zero_()
    spec = SuperWeightsMeasure(text="petri", trials="all")
    measured = SuperWeights(spec, loaded, Path()).run(0, 4, lambda done, total: None)
    assert measured.metrics == pytest.approx({"super_weights": 0.0, "spike": math.nan}, nan_ok=True)


def test_an_ordinary_model_has_none(subjects: dict[str, LoadedModel]) -> None:
    assert super_weights(spikes(subjects["petri"], "the cat sees the dog")) == []


def test_a_text_without_a_token(subjects: dict[str, LoadedModel]) -> None:
    with pytest.raises(LesionError, match="holds no token"):
        spikes(subjects["gpt2"], "")
