"""Predictions of every supported family, caps and scales of logits among them: loss, divergence and answers against
float64 arithmetic on the logits of the whole model; and that the arithmetic itself loses nothing."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.nn import Parameter

from engine.measure.perplexity.run import Perplexity
from engine.measure.perplexity.table import PerplexityMeasure
from engine.measure.tasks.run import Tasks
from engine.measure.tasks.table import TasksMeasure
from engine.models.loading import LoadedModel
from engine.reading.likelihood import Softmax, log_likelihoods
from tests.models.variants import VARIANTS, VOCABULARY, opened

DOCUMENTS = ["the kettle sang all night and nobody asked it why", "rain at last"]
QUESTIONS = [("the sky is", ("blue", "a long answer"), 0), ("why", ("not", "so it goes", "because"), 2)]
ENDINGS = ["Gemma 2", "Gemma 3, capped", "Cohere", "Cohere 2", "Granite"]
"""Variants that do something to their logits behind the output head."""

Rows = npt.NDArray[np.longdouble]


def ignore(done: int, total: int) -> None:
    """Progress."""


def log_p(logits: torch.Tensor) -> Rows:
    """Logits [n, vocabulary] as log-probabilities, in the widest numbers that the processor has."""
    wide = logits.double().numpy().astype(np.longdouble)
    shifted = wide - wide.max(axis=-1, keepdims=True)
    found: Rows = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found


@torch.no_grad()
def predicted(loaded: LoadedModel, text: str) -> tuple[list[int], Rows]:
    """Every token of a text but the first, and the log-probabilities that the whole model gave for its place."""
    ids = loaded.tokenizer(text)["input_ids"]
    return ids[1:], log_p(loaded.model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, :-1])


@contextmanager
def damaged(weights: list[Parameter], scale: float) -> Iterator[None]:
    """Noise on these weights, taken back afterwards."""
    kept = [weight.detach().clone() for weight in weights]
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in weights:
            weight.add_(scale * torch.randn(weight.shape, generator=generator))
    yield
    with torch.no_grad():
        for weight, original in zip(weights, kept, strict=True):
            weight.copy_(original)


@pytest.mark.parametrize("variant", VARIANTS)
def test_loss_divergence_and_answers_are_those_of_the_whole_model(variant: str, tmp_path: Path) -> None:
    loaded = opened(variant)
    (tmp_path / "text.txt").write_text("\n\n".join(DOCUMENTS))
    perplexity = Perplexity(PerplexityMeasure(text=str(tmp_path / "text.txt")), loaded, tmp_path)
    perplexity.prepare(2, ignore)
    before = [predicted(loaded, text)[1] for text in DOCUMENTS]
    head = loaded.architecture.head.parameters()
    for weights in (list(head), [loaded.architecture.blocks[1].get_parameter(name) for name, _ in _matrices(loaded)]):
        with damaged(weights, 0.05):
            _compare(perplexity, loaded, before)
            _compare_answers(loaded, tmp_path)
    assert perplexity.run(0, 2, ignore).metrics["kl"] == 0.0


def _matrices(loaded: LoadedModel) -> list[tuple[str, Parameter]]:
    return [(name, weight) for name, weight in loaded.architecture.blocks[1].named_parameters() if weight.dim() > 1]


def _compare(perplexity: Perplexity, loaded: LoadedModel, before: list[Rows]) -> None:
    nll, kl, right = [], [], []
    for text, original in zip(DOCUMENTS, before, strict=True):
        tokens, now = predicted(loaded, text)
        nll += [-float(row[token]) for token, row in zip(tokens, now, strict=True)]
        right += [int(row.argmax()) == token for token, row in zip(tokens, now, strict=True)]
        kl += [float(value) for value in (np.exp(original) * (original - now)).sum(axis=-1)]
    metrics = perplexity.run(0, 2, ignore).metrics
    assert metrics["nll"] == pytest.approx(np.mean(nll), rel=1e-5)
    assert metrics["kl"] == pytest.approx(np.mean(kl), rel=2e-4)
    assert metrics["kl"] > 1e-5
    assert metrics["token_accuracy"] == np.mean(right)


def _compare_answers(loaded: LoadedModel, folder: Path) -> None:
    asked = [dict(zip(("question", "choices", "answer"), question, strict=True)) for question in QUESTIONS]
    (folder / "task.jsonl").write_text("\n".join(map(json.dumps, asked)))
    measured = Tasks(TasksMeasure(task=str(folder / "task.jsonl")), loaded, folder).run(0, 3, ignore)
    answers: list[dict[str, Any]] = (measured.artifact or {})["questions"]
    for (question, choices, _), answer in zip(QUESTIONS, answers, strict=True):
        for choice, score in zip(choices, answer["log_likelihoods"], strict=True):
            tokens, rows = predicted(loaded, f"{question} {choice}")
            first = len(loaded.tokenizer(question)["input_ids"]) - 1
            expected = sum(float(rows[place][tokens[place]]) for place in range(first, len(tokens)))
            assert score == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("variant", ENDINGS)
def test_what_is_behind_the_head_bites(variant: str) -> None:
    loaded = opened(variant)
    ids = torch.tensor([loaded.tokenizer(DOCUMENTS[0])["input_ids"]])
    with torch.no_grad():
        whole = loaded.model(input_ids=ids, use_cache=False).logits
        alone = loaded.architecture.head(loaded.architecture.decoder(input_ids=ids, use_cache=False).last_hidden_state)
    assert float((whole - alone).abs().max()) > 0.5


@pytest.mark.parametrize("vocabulary", [VOCABULARY, 50_000])
def test_log_likelihoods_are_right_to_the_last_digits(vocabulary: int) -> None:
    logits = 3 * torch.randn(40, vocabulary, generator=torch.Generator().manual_seed(1))
    tokens = torch.arange(40) % vocabulary
    expected = log_p(logits)[range(40), tokens.numpy()]
    found = log_likelihoods(logits, tokens).numpy()
    assert found.dtype == np.float64
    assert float(np.abs(found - expected).max()) < 1e-13  # in float32 it is 1e-6


@pytest.mark.parametrize("sigma", [1e-4, 1e-5, 1e-6])
def test_small_divergences_are_not_lost(sigma: float) -> None:
    generator = torch.Generator().manual_seed(2)
    before = 3 * torch.randn(40, 20_000, generator=generator)
    now = (before.double() + sigma * torch.randn(40, 20_000, generator=generator).double()).float()
    p, q = log_p(before), log_p(now)
    expected = (np.exp(p) * (p - q)).sum(axis=-1)
    found = Softmax.of(before).divergence(Softmax.of(now)).numpy()
    assert float(np.abs(found / expected - 1).max()) < 1e-3
    assert float(found.mean()) == pytest.approx(float(expected.mean()), rel=1e-5)


def test_divergence_by_hand_and_at_the_edges() -> None:
    third = math.log(1 / 3)
    rows = {
        "by hand": ([0.0, math.log(3)], [0.0, 0.0], 0.75 * math.log(3) - math.log(2)),  # (1/4, 3/4) from (1/2, 1/2)
        "equal": ([1.0, 2.0], [1.0, 2.0], 0.0),
        "shifted alike": ([1.0, 2.0], [5.0, 6.0], 0.0),
        "0 ln 0": ([0.0, -math.inf], [0.0, 0.0], math.log(2)),
        "0 ln (0 / 0)": ([0.0, -math.inf], [0.0, -math.inf], 0.0),
        "ruled out": ([0.0, 0.0], [0.0, -math.inf], math.inf),
        "far": ([0.0, -800.0], [-800.0, 0.0], 800.0),
        "no number": ([0.0, 0.0], [math.nan, 0.0], math.nan),
        "infinite": ([0.0, 0.0], [math.inf, 0.0], math.nan),
        "nothing": ([0.0, third], [-math.inf, -math.inf], math.nan),
    }
    for name, (before, now, expected) in rows.items():
        one, other = (Softmax.of(torch.tensor([row], dtype=torch.float64)) for row in (before, now))
        found = float(one.divergence(other))
        assert found == pytest.approx(expected, rel=1e-14, nan_ok=True), name
