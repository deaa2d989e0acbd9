"""Perplexity against float64 arithmetic written out by hand, one document and one token at a time."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import LesionError
from engine.measure.measurement import Measured
from engine.measure.perplexity import head
from engine.measure.perplexity.run import Perplexity
from engine.measure.perplexity.table import PerplexityMeasure
from engine.models.loading import LoadedModel, load
from engine.petri import PETRI, held_out
from engine.profile import ModelSpec

DOCUMENTS = [
    ("The kettle sang. " * 12).strip(),
    "Rain, at last!",
    "x",
    "Nobody knew why the lamp was lit, nor by whom; it burned all night and nobody asked.",
    "Größe — naïve café.",
    "Rain, at last!",
    "aa",
]
FAMILIES = ["llama", "gpt2", "neox", "petri"]


@pytest.fixture(scope="module")
def subjects(tiny_models: dict[str, Path]) -> dict[str, LoadedModel]:
    folders = tiny_models | {"petri": PETRI["petri-60k"]}
    return {name: open_model(folder) for name, folder in folders.items()}


def open_model(folder: Path) -> LoadedModel:
    return load(ModelSpec(names=(str(folder),)), str(folder), torch.device("cpu"))


def text_file(folder: Path, documents: list[str]) -> str:
    path = folder / "text.txt"
    path.write_text("\n\n".join(documents), encoding="utf-8")
    return str(path)


def documents_for(name: str) -> list[str]:
    return held_out(7, 4) if name == "petri" else DOCUMENTS


def measure(loaded: LoadedModel, spec: PerplexityMeasure, batch_size: int = 4) -> Measured:
    measurement = Perplexity(spec, loaded, Path())
    measurement.prepare(batch_size, lambda done, total: None)
    return measurement.run(0, batch_size, lambda done, total: None)


@contextmanager
def damaged(loaded: LoadedModel, scale: float, part: str = "") -> Iterator[None]:
    """Noise on every weight whose name holds `part`, taken back afterwards."""
    kept = {name: tensor.detach().clone() for name, tensor in loaded.model.named_parameters()}
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in loaded.model.named_parameters():
            if part in name:
                tensor += scale * torch.randn(tensor.shape, generator=generator)
    try:
        yield
    finally:
        with torch.no_grad():
            for name, tensor in loaded.model.named_parameters():
                tensor.copy_(kept[name])


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def predictions(loaded: LoadedModel, text: str, context: int, stride: int) -> list[tuple[int, np.ndarray]]:
    """(token, log-probabilities it was predicted from) of every predicted token of a document, from plain forwards."""
    ids = loaded.tokenizer(text)["input_ids"]
    logits: dict[int, np.ndarray] = {}  # by where the window starts
    found = []
    for place in range(1, len(ids)):
        start = 0
        while start + context <= place:  # the first window that reaches this token
            start += stride
        if start not in logits:
            with torch.no_grad():
                window = torch.tensor([ids[start : start + context]])
                logits[start] = loaded.model(input_ids=window).logits[0].double().numpy()
        found.append((ids[place], log_softmax(logits[start][place - 1 - start])))
    return found


def by_hand(loaded: LoadedModel, documents: list[str], context: int, stride: int, scale: float) -> dict[str, float]:
    before = [p for text in documents for p in predictions(loaded, text, context, stride)]
    with damaged(loaded, scale):
        now = [p for text in documents for p in predictions(loaded, text, context, stride)]
    nll = float(np.mean([-row[token] for token, row in now]))
    return {
        "perplexity": math.exp(nll),
        "nll": nll,
        "token_accuracy": float(np.mean([int(row.argmax()) == token for token, row in now])),
        "kl": float(np.mean([np.sum(np.exp(p) * (p - q)) for (_, p), (_, q) in zip(before, now, strict=True)])),
    }


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("context", "stride"), [(None, None), (16, 5)])
def test_agrees_with_arithmetic_by_hand(
    name: str, context: int | None, stride: int | None, subjects: dict[str, LoadedModel], tmp_path: Path
) -> None:
    loaded, documents = subjects[name], documents_for(name)
    limit = context or loaded.model.config.max_position_embeddings
    expected = by_hand(loaded, documents, limit, stride or limit // 2, scale=0.05)
    spec = PerplexityMeasure(text=text_file(tmp_path, documents), context=context, stride=stride)
    measurement = Perplexity(spec, loaded, tmp_path)
    measurement.prepare(4, lambda done, total: None)
    with damaged(loaded, scale=0.05):
        metrics = measurement.run(0, 4, lambda done, total: None).metrics
    assert metrics.keys() == expected.keys()
    assert metrics["token_accuracy"] == expected["token_accuracy"]
    for metric in ("perplexity", "nll", "kl"):
        assert metrics[metric] == pytest.approx(expected[metric], rel=2e-5), metric
    assert metrics["kl"] > 1e-4


@pytest.mark.parametrize("name", FAMILIES)
def test_batch_size_and_padding_do_not_matter(name: str, subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    spec = PerplexityMeasure(text=text_file(tmp_path, documents_for(name)), context=24, stride=10)
    alone = measure(subjects[name], spec, batch_size=1).metrics
    for batch_size in (3, 64):
        assert measure(subjects[name], spec, batch_size).metrics == pytest.approx(alone, rel=1e-5)


def test_order_of_the_documents_does_not_matter(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    results = []
    for documents in (DOCUMENTS, DOCUMENTS[::-1]):
        results.append(measure(subjects["llama"], PerplexityMeasure(text=text_file(tmp_path, documents))).metrics)
    assert results[0] == results[1]


def test_small_chunks_give_the_same(
    subjects: dict[str, LoadedModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = PerplexityMeasure(text=text_file(tmp_path, DOCUMENTS))
    whole = measure(subjects["gpt2"], spec).metrics
    monkeypatch.setattr(head, "CHUNK_BYTES", 3 * 4 * 272)
    assert measure(subjects["gpt2"], spec).metrics == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_undamaged_model_has_no_divergence_and_repeats_itself(
    name: str, subjects: dict[str, LoadedModel], tmp_path: Path
) -> None:
    loaded = subjects[name]
    measurement = Perplexity(PerplexityMeasure(text=text_file(tmp_path, documents_for(name))), loaded, tmp_path)
    measurement.prepare(4, lambda done, total: None)
    first = measurement.run(0, 4, lambda done, total: None).metrics
    assert first["kl"] == 0.0
    with damaged(loaded, scale=0.1):
        assert measurement.run(0, 4, lambda done, total: None).metrics["kl"] > 0
    assert measurement.run(1, 4, lambda done, total: None).metrics == first


@pytest.mark.parametrize(("name", "part"), [("gpt2", "wte"), ("llama", "lm_head"), ("neox", "embed_in")])
def test_divergence_is_from_the_undamaged_head(
    name: str, part: str, subjects: dict[str, LoadedModel], tmp_path: Path
) -> None:
    loaded = subjects[name]
    text = DOCUMENTS[1]
    measurement = Perplexity(PerplexityMeasure(text=text_file(tmp_path, [text])), loaded, tmp_path)
    measurement.prepare(4, lambda done, total: None)
    before = [row for _, row in predictions(loaded, text, 64, 32)]
    with damaged(loaded, 0.1, part):
        now = [row for _, row in predictions(loaded, text, 64, 32)]
        metrics = measurement.run(0, 4, lambda done, total: None).metrics
    expected = np.mean([np.sum(np.exp(p) * (p - q)) for p, q in zip(before, now, strict=True)])
    assert metrics["kl"] == pytest.approx(expected, rel=2e-5)
    assert measurement.run(0, 4, lambda done, total: None).metrics["kl"] == 0.0


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e38])
def test_a_broken_model_gives_numbers_that_say_so(
    value: float, subjects: dict[str, LoadedModel], tmp_path: Path
) -> None:
    loaded = subjects["llama"]
    measurement = Perplexity(PerplexityMeasure(text=text_file(tmp_path, DOCUMENTS)), loaded, tmp_path)
    measurement.prepare(4, lambda done, total: None)
    with damaged(loaded, 0.0), torch.no_grad():
        loaded.model.lm_head.weight[3] = value
        metrics = measurement.run(0, 4, lambda done, total: None).metrics
    assert not math.isfinite(metrics["perplexity"])
    assert not math.isfinite(metrics["kl"])
    assert 0.0 <= metrics["token_accuracy"] < 0.2


def test_a_huge_loss_is_an_infinite_perplexity(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    loaded = subjects["llama"]
    measurement = Perplexity(PerplexityMeasure(text=text_file(tmp_path, DOCUMENTS)), loaded, tmp_path)
    measurement.prepare(4, lambda done, total: None)
    with damaged(loaded, 0.0), torch.no_grad():
        loaded.model.lm_head.weight *= 10_000
        metrics = measurement.run(0, 4, lambda done, total: None).metrics
    assert math.isfinite(metrics["nll"])
    assert metrics["perplexity"] == math.inf


def test_short_documents_are_skipped_and_counted(subjects: dict[str, LoadedModel], tmp_path: Path) -> None:
    path = text_file(tmp_path, ["x", "Rain.", "y"])
    assert "2 documents" in Perplexity(PerplexityMeasure(text=path), subjects["gpt2"], tmp_path).notes[0]
    assert Perplexity(PerplexityMeasure(text=path), subjects["llama"], tmp_path).notes == []  # BOS is left context
    with pytest.raises(LesionError, match="no document"):
        Perplexity(PerplexityMeasure(text=text_file(tmp_path, ["x"])), subjects["gpt2"], tmp_path)


@pytest.mark.parametrize(("context", "stride", "message"), [(65, None, "2 to 64"), (None, 64, "1 to 63")])
def test_windows_a_model_cannot_read_are_refused(
    context: int | None, stride: int | None, message: str, subjects: dict[str, LoadedModel], tmp_path: Path
) -> None:
    spec = PerplexityMeasure(text=text_file(tmp_path, DOCUMENTS), context=context, stride=stride)
    with pytest.raises(LesionError, match=message):
        Perplexity(spec, subjects["gpt2"], tmp_path)


def test_logits_that_are_made_of_more_than_hidden_states_are_refused(
    subjects: dict[str, LoadedModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = subjects["llama"]
    plain = type(loaded.model).forward

    def repetitive(self: torch.nn.Module, input_ids: torch.Tensor, **inputs: object) -> object:
        output = plain(self, input_ids=input_ids, **inputs)
        output.logits = output.logits + torch.nn.functional.one_hot(input_ids, output.logits.shape[-1])
        return output

    monkeypatch.setattr(type(loaded.model), "forward", repetitive)
    with pytest.raises(LesionError, match="makes its logits of more than the last hidden states"):
        Perplexity(PerplexityMeasure(text=text_file(tmp_path, DOCUMENTS)), loaded, tmp_path)
