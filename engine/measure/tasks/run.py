"""Multiple choice: which answer to a question the model finds likeliest."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from engine.errors import LesionError
from engine.measure.measurement import Measured, Measurement, Progress
from engine.measure.tasks.choices import Choice, choices
from engine.measure.tasks.table import TasksMeasure
from engine.models.loading import LoadedModel
from engine.reading.encoding import by_length, encode, pad, padding_token
from engine.reading.likelihood import log_likelihoods


@dataclass(frozen=True)
class _Candidate:
    """One choice behind its question: `first` is the index in `tokens` of the first token that is the choice's."""

    tokens: list[int]
    first: int


class Tasks(Measurement):
    """Accuracy by log-likelihood: the model's choice is the one with the largest ln p(choice | question).

    A choice follows its question after one space, and both are turned into tokens together; what lies past the
    question's own tokens is the choice. Metrics: `accuracy` takes the log-likelihood as it is, `accuracy_normalised`
    divides it by the choice's length in characters, as `acc_norm` of lm-evaluation-harness does. Of choices equally
    likely the first is taken; where one is nan, or none is above -inf, the question counts as wrong.

    Artifact: by question the log-likelihoods of its choices, what was chosen either way, and what is right.

    Raises:
        LesionError: a question with a choice is longer than the model's context.
    """

    def __init__(self, spec: TasksMeasure, loaded: LoadedModel, folder: Path) -> None:
        self.notes: list[str] = []
        self._loaded = loaded
        self._questions = choices(spec, folder)
        self._candidates = [
            self._candidate(asked.question, choice) for asked in self._questions for choice in asked.choices
        ]

    def can_start_at(self, layer: int) -> bool:
        """At any layer: only the logits count."""
        return True

    @torch.inference_mode()
    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Measure the model as it is. Nothing is drawn: the seed plays no part."""
        scores = [0.0] * len(self._candidates)
        cut = by_length([candidate.tokens for candidate in self._candidates], batch_size)
        for number, indices in enumerate(cut):
            progress(number, len(cut))
            batch_scores = self._score([self._candidates[index] for index in indices])
            for index, score in zip(indices, batch_scores, strict=True):
                scores[index] = score
        left = iter(scores)
        answers = [_answer(asked, list(islice(left, len(asked.choices)))) for asked in self._questions]
        metrics = {
            name: sum(answer[key] == answer["answer"] for answer in answers) / len(answers)
            for name, key in (("accuracy", "chosen"), ("accuracy_normalised", "chosen_normalised"))
        }
        return Measured(metrics, artifact={"questions": answers})

    def _score(self, batch: list[_Candidate]) -> list[float]:
        """ln p(choice | question) of each candidate, summed in float64 over the choice's tokens."""
        rows = [candidate.tokens for candidate in batch]
        ids, mask = pad(rows, padding_token(self._loaded.tokenizer), left=False, device=self._loaded.device)
        scored = torch.zeros_like(mask, dtype=torch.bool)
        for row, candidate in enumerate(batch):
            scored[row, candidate.first : len(candidate.tokens)] = True
        predicting = scored[:, 1:]
        needed = predicting.any(dim=0).nonzero().squeeze(-1)
        output = self._loaded.model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=needed)
        where = predicting[:, needed]
        taken = log_likelihoods(output.logits[where.to(output.logits.device)], ids[:, 1:][predicting])
        totals = torch.zeros(len(batch), dtype=torch.float64, device=ids.device)
        return [float(total) for total in totals.index_add_(0, where.nonzero()[:, 0], taken.to(ids.device))]

    def _candidate(self, question: str, choice: str) -> _Candidate:
        tokenizer, limit = self._loaded.tokenizer, self._loaded.architecture.context
        before, tokens = encode(tokenizer, question), encode(tokenizer, f"{question} {choice}")
        if len(tokens) > limit:
            raise LesionError(
                f"tasks on {self._loaded.name}: the question {question[:40]!r} with its choice {choice[:20]!r} has "
                f"{len(tokens)} tokens; the model reads at most {limit}.",
                field="measure.task",
            )
        return _Candidate(tokens, min(len(before), len(tokens) - 1))


def _answer(asked: Choice, scores: list[float]) -> dict[str, Any]:
    """What is chosen by these log-likelihoods of a question's choices."""
    per_letter = [score / len(choice) for score, choice in zip(scores, asked.choices, strict=True)]
    chosen = {"chosen": _likeliest(scores), "chosen_normalised": _likeliest(per_letter)}
    return {"log_likelihoods": scores, **chosen, "answer": asked.answer}


def _likeliest(scores: list[float]) -> int | None:
    """The index of the largest, the first of equals; None where one is nan or all are -inf."""
    best = max(scores)
    if any(score != score for score in scores) or best == float("-inf"):
        return None
    return scores.index(best)
