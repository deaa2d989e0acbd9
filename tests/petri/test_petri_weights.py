"""The bundled weights: they load like any model, have the sizes their names claim, and larger ones know more."""

import json
import math
import subprocess
import sys
from itertools import pairwise

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPTNeoXForCausalLM

from engine.methods import apply
from engine.models.architecture import architecture
from engine.petri import CONTEXT, PETRI, SIZES, VOCABULARY, WEIGHTS, held_out

pytestmark = pytest.mark.slow

CLAIMED = {"petri-4k": 4_000, "petri-16k": 16_000, "petri-60k": 60_000, "petri-250k": 250_000, "petri-1m": 1_000_000}


Models = dict[str, GPTNeoXForCausalLM]


@pytest.fixture(scope="module")
def models() -> Models:
    return {name: AutoModelForCausalLM.from_pretrained(folder).eval() for name, folder in PETRI.items()}


def outside_embeddings(model: GPTNeoXForCausalLM) -> int:
    embeddings = (model.get_input_embeddings(), model.get_output_embeddings())
    return int(model.num_parameters() - sum(embedding.weight.numel() for embedding in embeddings))


def mean_loss(name: str, model: GPTNeoXForCausalLM, texts: list[str]) -> float:
    """Nats a token, one text at a time: nothing shared with the code that made the published table."""
    tokenizer = AutoTokenizer.from_pretrained(PETRI[name])
    losses: list[float] = []
    for text in texts:
        ids = torch.tensor(tokenizer.encode(text))
        with torch.no_grad():
            chances = torch.softmax(model(ids[None]).logits[0].double(), dim=-1)
        losses += [-math.log(chances[place, ids[place + 1]]) for place in range(len(ids) - 1)]
    return sum(losses) / len(losses)


def test_every_folder_loads_as_the_pythia_architecture(models: Models) -> None:
    for name, model in models.items():
        assert isinstance(model, GPTNeoXForCausalLM)
        assert {weight.dtype for weight in model.parameters()} == {torch.float32}
        assert model.config.max_position_embeddings == CONTEXT
        assert model.get_input_embeddings().weight.shape == (VOCABULARY, SIZES[name].hidden)
        assert model.get_input_embeddings().weight is not model.get_output_embeddings().weight
        assert model.gpt_neox.layers[0].attention.query_key_value.bias is not None


def test_sizes_are_what_the_names_and_the_facts_say(models: Models) -> None:
    counted = {name: outside_embeddings(model) for name, model in models.items()}
    assert counted == {name: size.non_embedding for name, size in SIZES.items()}
    assert all(abs(counted[name] / claim - 1) < 0.06 for name, claim in CLAIMED.items())
    assert max(counted.values()) >= 60 * min(counted.values())
    for name, model in models.items():
        assert model.num_parameters() == SIZES[name].non_embedding + SIZES[name].embedding
        assert model.config.num_hidden_layers == SIZES[name].layers


def test_the_family_is_small_on_disk() -> None:
    assert sum(file.stat().st_size for file in WEIGHTS.rglob("*") if file.is_file()) <= 8_000_000


def test_folders_hold_the_files_others_expect() -> None:
    expected = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    for folder in PETRI.values():
        assert {file.name for file in folder.iterdir()} == expected
        assert json.loads((folder / "config.json").read_text())["model_type"] == "gpt_neox"


def test_held_out_perplexity_falls_from_size_to_size(models: Models) -> None:
    texts = held_out(7, 60)
    figures = [math.exp(mean_loss(name, models[name], texts)) for name in SIZES]
    assert all(larger < 0.93 * smaller for smaller, larger in pairwise(figures)), figures


@pytest.mark.parametrize("group", ["attn_only", "mlp_only"])
@pytest.mark.parametrize("name", list(SIZES))
def test_damage_grows_with_its_dose(models: Models, name: str, group: str) -> None:
    model, texts = models[name], held_out(8, 6)
    healthy = {key: weight.clone() for key, weight in model.state_dict().items()}
    slices = architecture(model).slices(group)
    means = []
    for sigma in (0.0, 0.35, 0.7, 1.0):
        losses = []
        for seed in range(3):
            apply("mult_gauss", slices, sigma, seed)
            losses.append(mean_loss(name, model, texts))
            model.load_state_dict(healthy)
        means.append(sum(losses) / len(losses))
    assert all(more > less for less, more in pairwise(means)), means
    assert means[-1] - means[0] > 0.05


def test_generation_goes_on_in_the_language_and_recalls_the_scene(models: Models) -> None:
    tokenizer = AutoTokenizer.from_pretrained(PETRI["petri-1m"])
    told = "the smith packs : lamp rope key cup map . two plus two is four . the guard unpacks : lamp"
    output = models["petri-1m"].generate(**tokenizer(told, return_tensors="pt"), max_new_tokens=5, do_sample=False)
    assert tokenizer.decode(output[0]).endswith("unpacks : lamp rope key cup map .")


def test_the_package_loads_no_torch() -> None:
    program = "import sys, engine.petri as p; p.held_out(1, 2); assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
