"""Critical weights: how far rankings agree, where the listed weights lie, and whether high scores mean much damage.

Read from what the measurement ranking leaves: a list by each score, and statistics of all weights.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any

from engine import catalog, files
from engine.analysis.gains import undamaged
from engine.analysis.names import short_names
from engine.analysis.reports.cells import grouped, is_log
from engine.analysis.statistics.correlation import Correlation, pearson, spearman
from engine.errors import LesionError
from engine.record.records import read_trials
from engine.record.trials import TrialRecord

_LAYER = re.compile(r"\.(\d+)\.")
_OVERLAP = "overlap"


@dataclass(frozen=True)
class Ranking:
    """The weights that one score lists in one model. `entries` are (rank, parameter, indices, score); `layers` the
    number of weights by layer (None: of none) among which they were sought, empty where that is not known."""

    run: str
    model: str
    label: str
    score: str
    group: str
    entries: tuple[tuple[int, str, str, float], ...]
    layers: Mapping[int | None, int]
    parts: Mapping[str, int]
    """The same by part."""
    counts: tuple[int, ...]

    @property
    def weights(self) -> int:
        """All weights that were ranked; 0 where that is not known."""
        return sum(self.layers.values())

    def best(self, k: int) -> set[tuple[str, str]]:
        """The k best, of every layer or parameter that is ranked by itself."""
        return {(parameter, indices) for rank, parameter, indices, _ in self.entries if rank <= k}


@dataclass(frozen=True)
class Overlap:
    """The Jaccard index |A ∩ B| / |A ∪ B| of the k best of two rankings, the mean over `pairs` of them. `chance`: what
    two choices of k weights at random come to, k / (2 N - k) of N weights; nan where N is not known."""

    run: str
    model: str
    between: str
    what: str
    k: int
    jaccard: float
    pairs: int
    chance: float


@dataclass(frozen=True)
class Share:
    """How many of a ranking's listed weights lie in one layer or part, and the part of all weights that lies there (nan
    where that is not known)."""

    place: str
    listed: int
    share: float
    of_all: float


@dataclass(frozen=True)
class Places:
    """Where the listed weights of one ranking lie, by layer and by part (the parameter's name after its layer)."""

    run: str
    model: str
    score: str
    listed: int
    layers: tuple[Share, ...]
    parts: tuple[Share, ...]


@dataclass(frozen=True)
class Predicted:
    """Whether the sum of the scores of the weights damaged, best first, goes with the damage: over trials that damage
    the best weights by this score in rank order. The metric's logarithm where it is read on such an axis."""

    run: str
    model: str
    score: str
    metric: str
    pearson: Correlation
    spearman: Correlation


@dataclass(frozen=True)
class Critical:
    """What rankings of critical weights say."""

    overlaps: tuple[Overlap, ...]
    places: tuple[Places, ...]
    predicted: tuple[Predicted, ...]


def critical(runs: Sequence[Path], metrics: Sequence[str], confidence: float) -> Critical | None:
    """The critical weights of these runs; None where none of them has a ranking.

    Raises LesionError where an artifact cannot be read.
    """
    rankings: list[Ranking] = []
    overlaps: list[Overlap] = []
    predicted: list[Predicted] = []
    for run in runs:
        found = []
        for record, model, content in _contents(run):
            own = list(_rankings(run, record, model, content))
            overlaps += _sampled(run, record, model, content, own)
            found += own
        if found:
            predicted += _predicted(run, found, metrics, confidence)
        rankings += found
    if not rankings:
        return None
    return Critical(tuple([*overlaps, *_between(rankings)]), tuple(map(_places, rankings)), tuple(predicted))


def _contents(run: Path) -> Iterator[tuple[TrialRecord, str, Mapping[str, Any]]]:
    """Of the first baseline of each model that has them, the JSON artifacts of rankings, and what the model is called
    in a table."""
    models, records = undamaged(run)
    names, seen = short_names(models), set()
    for record in records:
        if record.model in seen:
            continue
        for name in record.artifacts or ():
            if name.endswith(".json") and (content := _content(run, name)) is not None:
                seen.add(record.model)
                yield record, names[record.model], content


def _content(run: Path, name: str) -> Mapping[str, Any] | None:
    try:
        content = json.loads(_read(run, name))
        is_ranking = isinstance(content, dict) and content.get("measurement") == "ranking"
        return content if is_ranking and isinstance(content.get("scores"), dict) else None
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise LesionError(f"{run / name} does not hold a ranking: {error!r}") from None


def _read(run: Path, name: str) -> bytes:
    try:
        return files.read_bytes(run / name, below=run)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LesionError(f"{run / name} cannot be read: {error.strerror}") from error


def _sheet(run: Path, record: TrialRecord, content: Mapping[str, Any], sheet: str) -> list[dict[str, str]]:
    """The rows of a table of the measurement; none where it is not there."""
    key = ".".join(filter(None, [content.get("label"), "ranking"]))
    wanted = {f"{record.trial}-{key}-{sheet}.csv"}
    for name in record.artifacts or ():
        if PurePosixPath(name).name in wanted:
            try:
                return list(csv.DictReader(io.StringIO(_read(run, name).decode(errors="replace"))))
            except FileNotFoundError:
                return []
            except csv.Error as error:
                raise LesionError(f"{run / name} is no table: {error}") from None
    return []


def _rankings(run: Path, record: TrialRecord, model: str, content: Mapping[str, Any]) -> Iterator[Ranking]:
    for score, kept in content["scores"].items():
        rows = _sheet(run, record, content, score)
        try:
            entries = tuple(
                (int(row["rank"]), row["parameter"], row["indices"], float(row["score"] or "nan")) for row in rows
            )
            counts = tuple(int(one["k"]) for one in kept.get("by_k", ()))
            layers, parts = _weights(kept)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"the ranking by {score} of {record.model} in {run.name} is not as a ranking is: {error!r}"
            raise LesionError(text) from None
        if entries:
            most = max(rank for rank, *_ in entries)
            group, label = str(content.get("group") or ""), str(content.get("label") or "")
            told = (run.resolve().name, model, label, score, group, entries, layers, parts)
            yield Ranking(*told, counts or _counts(most))


def _counts(most: int) -> tuple[int, ...]:
    return (*(k for k in (10, 100, 1000) if k < most), most)


def _weights(kept: Mapping[str, Any]) -> tuple[dict[int | None, int], dict[str, int]]:
    """The number of weights by layer, and by part."""
    layers: Counter[int | None] = Counter()
    parts: Counter[str] = Counter()
    for one in kept.get("parameters", ()):
        layer, part = _place(str(one["parameter"]))
        layers[layer] += int(one["weights"])
        parts[part] += int(one["weights"])
    if told := kept.get("layers"):
        return {one["layer"]: int(one["weights"]) for one in told}, dict(parts)
    return dict(layers), dict(parts)


def _place(parameter: str) -> tuple[int | None, str]:
    """The layer that a parameter's name tells, the first number in it, and the part: what stands after that."""
    if found := _LAYER.search(parameter):
        return int(found[1]), parameter[found.end() :]
    return None, ".".join(parameter.split(".")[-2:])


def _chance(k: int, weights: int) -> float:
    return k / (2 * weights - k) if weights >= k > 0 else math.nan


def _sampled(
    run: Path, record: TrialRecord, model: str, content: Mapping[str, Any], own: Sequence[Ranking]
) -> Iterator[Overlap]:
    """How far samples of the text, and seeds of a score that draws, agree."""
    weights = max((one.weights for one in own), default=0)
    rows = [row for row in _sheet(run, record, content, _OVERLAP) if row.get("between") in ("samples", "seeds")]
    try:
        by_score = grouped(rows, lambda row: (row["between"], row["first"].split()[0], int(row["k"])))
        for (between, score, k), some in by_score.items():
            mean = math.fsum(float(row["jaccard"]) for row in some) / len(some)
            yield Overlap(run.resolve().name, model, between, score, k, mean, len(some), _chance(k, weights))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise LesionError(f"the overlaps of {record.model} in {run.name} are not as overlaps are: {error!r}") from None


def _between(rankings: Sequence[Ranking]) -> Iterator[Overlap]:
    """How far scores, and runs, agree on a model."""
    for (model, _), of in grouped(rankings, lambda one: (one.model, one.group)).items():
        for first, second in combinations(of, 2):
            same = first.run == second.run
            what = f"{first.score}, {second.score}" if same else f"{first.score}, {second.score} of another run"
            for k in sorted(set(first.counts) & set(second.counts)):
                a, b = first.best(k), second.best(k)
                chance = _chance(k, max(first.weights, second.weights))
                yield Overlap(
                    first.run, model, "scores" if same else "runs", what, k, len(a & b) / len(a | b), 1, chance
                )


def _places(ranking: Ranking) -> Places:
    found = [_place(parameter) for _, parameter, *_ in ranking.entries]
    by_layer, by_part = Counter(layer for layer, _ in found), Counter(part for _, part in found)
    listed = len(found)
    places = sorted(set(by_layer) | set(ranking.layers), key=lambda layer: (layer is None, layer or 0))
    layers = tuple(
        Share(
            "outside" if layer is None else str(layer),
            by_layer[layer],
            by_layer[layer] / listed,
            _of_all(ranking.layers.get(layer, 0), ranking.weights),
        )
        for layer in places
    )
    parts = tuple(
        Share(part, count, count / listed, _of_all(ranking.parts.get(part, 0), ranking.weights))
        for part, count in by_part.most_common()
    )
    return Places(ranking.run, ranking.model, ranking.score, listed, layers, parts)


def _of_all(count: int, weights: int) -> float:
    return count / weights if weights else math.nan


def _predicted(
    run: Path, rankings: Sequence[Ranking], metrics: Sequence[str], confidence: float
) -> Iterator[Predicted]:
    in_order = {name for name, info in catalog.methods().items() if info.acts_on == "selection"}
    trials = [
        record
        for record in read_trials(run)
        if record.method in in_order
        and record.status == "ok"
        and (record.select or {}).get("by") == "top_k"
        and not (record.before or record.then or record.layers)
    ]
    names = short_names([record.model for record in trials])
    for ranking in rankings:
        sums = _sums(ranking)
        own = [
            record
            for record in trials
            if (names[record.model], record.group) == (ranking.model, ranking.group)
            and (record.select or {}).get("score") == ranking.score
            and 0 < (record.touched or 0) <= len(sums)
        ]
        own = list({(record.touched, record.seed): record for record in own}.values())  # the same weights once
        for metric in metrics if own else ():
            x = [sums[(record.touched or 1) - 1] for record in own]
            y = [_measured(record, metric) for record in own]
            both = pearson(x, y, confidence), spearman(x, y, confidence)
            if both[0].n >= 3:
                yield Predicted(ranking.run, ranking.model, ranking.score, metric, *both)


def _sums(ranking: Ranking) -> list[float]:
    """The sum of the scores of the best, of the two best, and so on; nothing where ranks begin anew."""
    scores = [score for _, _, _, score in ranking.entries]
    if [rank for rank, *_ in ranking.entries] != list(range(1, len(scores) + 1)):
        return []
    return [math.fsum(scores[: count + 1]) for count in range(len(scores))]


def _measured(record: TrialRecord, metric: str) -> float:
    value = float(record.metrics.get(metric, math.nan))
    if not is_log(metric):
        return value
    return math.log10(value) if value > 0 else math.nan
