"""Which weights matter most by a score, and how far scores, samples of the text and seeds agree on them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from math import fsum, nan
from pathlib import Path
from typing import Any

from engine import catalog
from engine.errors import LesionError
from engine.measure.measurement import Measured, Measurement, Progress, Sheet
from engine.measure.ranking.table import RankingMeasure
from engine.models.loading import LoadedModel
from engine.profile.texts import documents
from engine.scores import Ranking, ScoreSpec, Statistics, overlap, rank

_KINDS = ("samples", "seeds", "scores")
"""What is compared with what."""


class RankingStudy(Measurement):
    """The best weights of a group by one or several scores, each accumulated over the same documents.

    Samples are parts of the documents, dealt out in turn, each ranked by itself. Seeds count from 0, and the ranking
    that is listed is that of seed 0. J is the Jaccard index of two selections of the same k, |A ∩ B| / |A ∪ B|.

    Metrics, each as `<score>.<metric>` and for the largest k: `largest_score`, `top_share` (the best weights' share of
    the sum of all scores), `jaccard_samples`, `jaccard_seeds`, `jaccard_scores` (mean J of all pairs of samples, of
    seeds, and with each other score; where there is more than one). Artifact: the same for every k, and statistics of
    layers and parameters. Tables: a ranking by each score, `layers`, and `overlap`, every J by itself. Where a group
    holds norms and biases beside matrices, as `all` does, their weights stand in the same ranking, with "vector" for
    their kind.

    Raises:
        LesionError: the group does not exist here, or there are fewer documents than samples.
    """

    def __init__(self, spec: RankingMeasure, loaded: LoadedModel, folder: Path) -> None:
        self.notes: list[str] = []
        self._spec, self._loaded, self._folder = spec, loaded, folder
        self._slices = loaded.architecture.slices(spec.group, spec.layers)
        there = len(documents(spec, folder))
        if there < spec.samples and any(catalog.score(name).reads_text for name in spec.scores):
            text = f"ranking: {spec.samples} samples need as many documents, and text '{spec.text}' has {there}"
            raise LesionError(text, field="measure.samples")
        self._note_vectors()
        self._found: tuple[int, Measured] | None = None

    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Measure the model as it is. The trial's seed plays no part; of baselines, which are equal, one is ranked."""
        if self._found is None or self._found[0] != batch_size or self._spec.trials == "all":
            self._found = batch_size, self._measure(batch_size, progress)
        return self._found[1]

    def _note_vectors(self) -> None:
        kinds = Counter(_kind(piece.tensor.shape) for piece in self._slices)
        if len(kinds) > 1:
            both = f"{kinds['vector']} vectors, of norms and biases, beside {kinds['matrix']} matrices"
            self.notes.append(
                f"ranking on {self._loaded.name}: {self._spec.group} holds {both}, and the ranking has the weights of "
                'both, each with its kind; group = "matrices" leaves the vectors out'
            )

    def _measure(self, batch_size: int, progress: Progress) -> Measured:
        passes = list(_passes(self._spec, batch_size, self._folder))
        rankings: dict[str, Ranking] = {}
        statistics: dict[str, Statistics] = {}
        for number, (name, spec) in enumerate(passes):
            progress(number, len(passes))
            watch = [statistics.setdefault(name, Statistics())] if name in self._spec.scores else []
            rankings[name] = rank(
                self._slices,
                self._loaded,
                spec,
                max(self._spec.counts),
                largest=True,
                scope=self._spec.scope,
                watch=watch,
            )
        compared = _overlap(self._spec, rankings)
        by_k = {name: _by_k(self._spec, name, rankings[name], statistics[name], compared) for name in self._spec.scores}
        metrics = {
            f"{name}.{key}": value for name, rows in by_k.items() for key, value in rows[-1].items() if key != "k"
        }
        kept = {name: {"by_k": by_k[name]} | statistics[name].record() for name in self._spec.scores}
        shown = {
            key: getattr(self._spec, key) for key in ("group", "layers", "scope", "documents", "context", "samples")
        }
        shown["text"] = Path(self._spec.text).name
        tables = {name: ranking_sheet(rankings[name]) for name in self._spec.scores}
        tables["layers"] = self._layers(rankings, statistics)
        if compared:
            tables["overlap"] = Sheet(("between", "first", "second", "k", "jaccard"), compared)
        return Measured(metrics, artifact=shown | {"scores": kept}, tables=tables)

    def _layers(self, rankings: dict[str, Ranking], statistics: dict[str, Statistics]) -> Sheet:
        """How the scores of each layer are distributed, and how many of the listed weights lie there, how many of these
        in vectors."""
        of = {piece.parameter: (piece.layer, _kind(piece.tensor.shape)) for piece in self._slices}
        rows: list[list[Any]] = []
        for name in self._spec.scores:
            listed = Counter[tuple[int | None, str]]()
            for parameter, indices in rankings[name].by_parameter().items():
                listed[of[parameter]] += len(indices)
            for summary in statistics[name].record()["layers"]:
                vectors = listed[summary["layer"], "vector"]
                rows.append([name, *summary.values(), listed[summary["layer"], "matrix"] + vectors, vectors])
        figures = ("weights", "nan", "mean", "std", "smallest", "largest")
        return Sheet(("score", "layer", *figures, "listed", "listed_vectors"), rows)


def ranking_sheet(ranking: Ranking) -> Sheet:
    """Rank, parameter, indices "(r, c)", score, weight and the parameter's kind, "matrix" or "vector"; ranks begin anew
    with every layer or parameter that is ranked by itself."""
    kinds = {name: _kind(shape) for name, shape in zip(ranking.names, ranking.shapes, strict=True)}
    rows = [
        (
            entry.rank,
            entry.parameter,
            f"({', '.join(map(str, entry.index))})",
            entry.score,
            entry.weight,
            kinds[entry.parameter],
        )
        for entry in ranking.entries()
    ]
    return Sheet(("rank", "parameter", "indices", "score", "weight", "kind"), rows)


def _kind(shape: Sequence[int]) -> str:
    """What a parameter is: norms have scales, and layers biases, of one dimension."""
    return "vector" if len(shape) < 2 else "matrix"


def _passes(spec: RankingMeasure, batch_size: int, folder: Path) -> Iterator[tuple[str, ScoreSpec]]:
    """Everything to rank by, and what `overlap` calls it: each score on all documents, then on every sample and with
    every other seed."""
    for name in spec.scores:
        info = catalog.score(name)
        whole = spec.score_spec(name, batch_size, folder)
        yield name, whole
        for number in range(spec.samples) if info.reads_text and spec.samples > 1 else ():
            yield f"{name} sample {number}", replace(whole, sample=(number, spec.samples))
        for number in range(1, spec.seeds) if info.draws else ():
            yield f"{name} seed {number}", replace(whole, seed=number)


def _overlap(spec: RankingMeasure, rankings: dict[str, Ranking]) -> list[tuple[str, str, str, int, float]]:
    """(between what, first, second, k, J) of every pair that is compared."""
    pairs = [("scores", *pair) for pair in combinations(spec.scores, 2)]
    for name in spec.scores:
        samples = [other for other in rankings if other.startswith(f"{name} sample ")]
        seeds = [name, *(other for other in rankings if other.startswith(f"{name} seed "))]
        pairs += [("samples", *pair) for pair in combinations(samples, 2)]
        pairs += [("seeds", *pair) for pair in combinations(seeds, 2)]
    chosen = {(name, k): ranking.by_parameter(k) for name, ranking in rankings.items() for k in spec.counts}
    return [(kind, a, b, k, overlap(chosen[a, k], chosen[b, k])) for kind, a, b in pairs for k in spec.counts]


def _by_k(
    spec: RankingMeasure,
    name: str,
    ranking: Ranking,
    statistics: Statistics,
    compared: list[tuple[str, str, str, int, float]],
) -> list[dict[str, float]]:
    """The metrics of one score for every k."""
    total = statistics.total
    rows = []
    for k in spec.counts:
        row = {
            "k": k,
            "largest_score": statistics.largest,
            "top_share": ranking.total(k) / total if total else nan,
        }
        for kind in _KINDS:
            values = [
                j for what, a, b, at, j in compared if what == kind and at == k and name in (a.split()[0], b.split()[0])
            ]
            if values:
                row[f"jaccard_{kind}"] = fsum(values) / len(values)
        rows.append(row)
    return rows
