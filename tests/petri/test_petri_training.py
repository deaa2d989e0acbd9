"""Training: the same seed gives the same weights to the bit, and a few steps already lower the loss."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from engine.growing.evaluate import perplexity
from engine.growing.train import BATCH, build_model, save, train
from engine.petri import CONTEXT, PETRI
from engine.petri.corpus import IGNORED, Rows, build_rows
from engine.petri.grammar import generate
from engine.petri.vocabulary import train_tokenizer

pytestmark = pytest.mark.slow

STEPS = 12


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(PETRI["petri-16k"])


@pytest.fixture(scope="module")
def rows(tokenizer: PreTrainedTokenizerFast) -> Rows:
    return build_rows(tokenizer, seed=5, rows=STEPS * BATCH)


def test_the_same_seed_trains_the_same_weights_and_learns(rows: Rows) -> None:
    runs = []
    for _ in range(2):
        model = build_model("petri-16k", seed=5)
        losses = list(train(model, rows, peak_rate=1e-2))
        runs.append((losses, model.state_dict()))
    (losses, weights), (again, weights_again) = runs
    assert losses == again
    assert len(losses) == STEPS
    assert all(torch.equal(weights[key], weights_again[key]) for key in weights)
    assert losses[-1] < losses[0] - 0.5


def test_another_seed_starts_from_other_weights() -> None:
    first, second = (build_model("petri-16k", seed).get_input_embeddings().weight for seed in (1, 2))
    assert not torch.equal(first, second)


def test_rows_hold_whole_training_documents(tokenizer: PreTrainedTokenizerFast, rows: Rows) -> None:
    assert rows.ids.shape == (STEPS * BATCH, CONTEXT)
    packed = tokenizer.decode(rows.ids.flatten()).replace(tokenizer.pad_token, "").split(tokenizer.eos_token)
    assert set(packed[:-1]) <= set(generate("train", 5, 2 * len(packed)))
    assert (rows.ids == tokenizer.pad_token_id).float().mean() < 0.15


def test_every_token_but_the_first_of_a_document_is_predicted_once(rows: Rows) -> None:
    predicted = rows.labels != IGNORED
    assert torch.equal(rows.labels[:, :-1][predicted[:, :-1]], rows.ids[:, 1:][predicted[:, :-1]])
    starts = int(((rows.positions == 0) & (rows.ids != 1)).sum())
    assert int(predicted.sum()) == int((rows.ids != 1).sum()) - starts


def test_a_document_packed_beside_others_is_read_as_if_alone(rows: Rows) -> None:
    model = build_model("petri-16k", seed=5).eval()
    row = rows[:1]
    packed = model(input_ids=row.ids, position_ids=row.positions, attention_mask=row.mask()).logits[0]
    second = row.documents[0] == 1
    alone = model(input_ids=row.ids[:, second]).logits[0]
    torch.testing.assert_close(packed[second], alone, rtol=1e-4, atol=1e-5)


def test_the_tokenizer_is_the_same_twice() -> None:
    texts = generate("train", 5, 300)
    first, second = (train_tokenizer(texts).backend_tokenizer.to_str() for _ in range(2))
    assert first == second


def test_saving_leaves_a_whole_folder_and_nothing_else(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    model = build_model("petri-16k", seed=1)
    save(model, tokenizer, tmp_path / "petri-16k")
    assert [entry.name for entry in tmp_path.iterdir()] == ["petri-16k"]
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "petri-16k")
    texts = generate("held-out", 1, 8)
    assert perplexity(loaded, tokenizer, texts) == pytest.approx(perplexity(model, tokenizer, texts))
