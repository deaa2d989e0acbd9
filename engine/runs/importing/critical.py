"""The critical-weight study: a folder with ranked weights (a CSV a score), statistics of the scores, what perturbing
the weights did to perplexity, and a configuration or summary that names the model.

Two ways of writing the ranking are known: `top_<K>_weights_<score>.csv` with rank, layer, indices and sensitivity, and
one with parameter, indices, sensitivity_score and layer_group beside a config.json.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import LesionError
from engine.record.directory import SOURCE
from engine.record.findings import Sheet, as_csv
from engine.record.trials import TrialRecord
from engine.runs.importing import values
from engine.runs.importing.found import Found
from engine.runs.importing.tree import Row, Tree, parsed, within

PERTURBED = ("metric", "topk", "mask_ratio", "baseline_ppl", "perturbed_ppl")
"""The columns that a table of perturbations has to have."""
_RANKED = (("layer", "sensitivity"), ("parameter", "sensitivity_score"))
_FILE = re.compile(r"top_(?P<k>\d+)_weights_(?P<score>\w+)\.csv")
_INDICES = re.compile(r"\(\s*\d+\s*(,\s*\d+\s*)*,?\s*\)")
_SUMMARY, _CONFIG = "experiment_summary.json", "config.json"
_STATISTICS = ("sensitivity_statistics.json", "sensitivity_stats.json")
_FIGURES = {"mean": "mean", "std": "std", "min": "smallest", "max": "largest"}
_DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}

_Rankings = dict[str, tuple[str, list[tuple[Any, ...]]]]
"""By score, the file and its rows as Lesion has them."""


class RankedCsv:
    """Reads them; see Format."""

    name = "ranked-csv"

    def find(self, tree: Tree, model: str | None) -> Sequence[Found]:
        """A run a folder."""
        found = []
        for folder, names in tree.folders.items():
            ranked, perturbed = [], []
            for name in (one for one in names if one.endswith(".csv")):
                header = {*tree.header(within(folder, name))}
                if "indices" in header and any(set(columns) <= header for columns in _RANKED):
                    ranked.append(name)
                elif {"metric", "topk", "mask_ratio"} <= header:
                    perturbed.append(name)
            if ranked or perturbed:
                found.append(_Reader(tree, folder, names, model).read(ranked, perturbed))
        return found


class _Reader:
    """One folder of the study."""

    def __init__(self, tree: Tree, folder: str, names: Sequence[str], model: str | None) -> None:
        self._tree, self._folder, self._names = tree, folder, names
        self._found = Found(
            tree.title(folder),
            RankedCsv.name,
            "critical weights, as published: ranked, and what masking did",
            tree,
        )
        self._config = self._beside(_CONFIG)
        self._summary = self._beside(_SUMMARY)
        self._model = model
        if dtype := _DTYPES.get(str(self._config.get("dtype"))):
            self._found.model["dtype"] = dtype

    def read(self, ranked: Sequence[str], perturbed: Sequence[str]) -> Found:
        """The run: a baseline that has the rankings, and a trial for every perturbation."""
        rows = [(name, number, row) for name in perturbed for number, row in self._rows(name, *PERTURBED)]
        rankings = self._rankings(ranked)
        if isinstance(extension := self._config.get("lesion"), dict):
            self._own_baseline(extension, rankings)
        elif rankings or not all(row.get("lesion") for _, _, row in rows):  # else each row brings its baseline
            self._their_baseline(rankings, rows)
        for name, number, row in rows:
            self._perturbation(name, number, row)
        return self._found

    def _own_baseline(self, extension: dict[str, Any], rankings: _Rankings) -> None:
        where = self._tree.where(self._name(_CONFIG))
        baseline = self._found.own(extension.get("record"), self._source, where)
        self._attach(baseline, rankings)
        if isinstance(held := extension.get("ranking"), dict) and held:
            self._found.attach_json(baseline, "ranking", "ranking", held)
        self._beside(next((one for one in _STATISTICS if one in self._names), _CONFIG))

    def _their_baseline(self, rankings: _Rankings, rows: Sequence[tuple[str, int, Row]]) -> None:
        self._model = self._named(self._model)
        metrics = self._baseline_metrics(rows)
        for score, (_, entries) in rankings.items():
            metrics[f"{score}.published_largest_score"] = max(entry[3] for entry in entries)
        baseline = self._found.trial(self._model, self._seed(), self._source, metrics=metrics, **self._size())
        self._attach(baseline, rankings)
        self._attach_statistics(baseline, list(rankings))

    def _attach(self, baseline: TrialRecord, rankings: _Rankings) -> None:
        for score, (name, entries) in rankings.items():
            sheet = Sheet(("rank", "parameter", "indices", "score", "weight", "kind"), entries)
            self._found.attach(baseline, f"ranking-{score}.csv", as_csv(sheet))
            self._found.use(within(self._folder, name), keep=True)

    @property
    def _source(self) -> str:
        return self._folder or self._tree.title()

    def _size(self) -> dict[str, Any]:
        """The model's parameters, where the summary tells them."""
        size = self._summary.get("num_parameters")
        return {"parameters": size} if isinstance(size, int) else {}

    def _name(self, name: str) -> str:
        return within(self._folder, name)

    def _beside(self, name: str) -> dict[str, Any]:
        """A JSON object of the folder; empty where there is none."""
        if name not in self._names:
            return {}
        self._found.use(self._name(name), keep=True)
        return self._tree.table(self._name(name))

    def _named(self, model: str | None) -> str:
        for held, key in ((self._config, "model"), (self._config, "model_name"), (self._summary, "model_name")):
            if isinstance(named := held.get(key), str) and named:
                return named
        if model:
            self._found.notes.append(f"the model is {model} because --model says so: no file does")
            return model
        where = self._tree.where(self._folder) if self._folder else str(self._tree.path)
        raise LesionError(f"{where} does not tell which model it is of: give its name with --model, or its config.json")

    def _seed(self) -> int:
        """The study's, where its configuration has one alone."""
        told = str(self._config.get("seeds", self._config.get("seed", "")))
        return int(told) if re.fullmatch(r"\d{1,9}", told) else 0

    def _rows(self, name: str, *columns: str) -> list[tuple[int, Row]]:
        self._found.use(self._name(name), keep=True)
        return list(enumerate(self._tree.rows(self._name(name), *columns), start=2))

    def _baseline_metrics(self, rows: Sequence[tuple[str, int, Row]]) -> dict[str, float]:
        """The perplexity before: what the first row or the summary has."""
        told = {
            values.figure(row, "baseline_ppl", f"{self._tree.where(self._name(name))}, line {number},")
            for name, number, row in rows
        }
        if len(told) > 1:
            self._found.notes.append("baseline_ppl differs between rows: the baseline has that of the first")
        if rows:
            return {"published_perplexity_by_length": values.figure(rows[0][2], "baseline_ppl", rows[0][0])}
        if "baseline_perplexity" in self._summary:
            where = self._tree.where(self._name(_SUMMARY))
            return {"published_perplexity_by_length": values.figure(self._summary, "baseline_perplexity", where)}
        return {}

    def _rankings(self, names: Sequence[str]) -> _Rankings:
        """By score, the file with most weights and its rows as Lesion has them."""
        found: _Rankings = {}
        for name in names:
            score = self._score(name)
            entries = self._entries(name)
            if score in found:
                fewer = name if len(entries) <= len(found[score][1]) else found[score][0]
                self._found.use(self._name(fewer), keep=True)
                self._found.notes.append(f"{fewer} ranks fewer weights by {score} than another, and stays in {SOURCE}")
            if score not in found or len(entries) > len(found[score][1]):
                found[score] = name, entries
        return found

    def _score(self, name: str) -> str:
        if match := _FILE.fullmatch(name):
            return match["score"]
        if isinstance(named := self._config.get("metric"), str) and re.fullmatch(r"\w{1,60}", named):
            return named
        where = self._tree.where(self._name(name))
        raise LesionError(
            f"{where} does not tell what it ranks by: name it as in top_100_weights_grad_x_weight.csv, or put its "
            "config.json beside it"
        )

    def _entries(self, name: str) -> list[tuple[Any, ...]]:
        header = self._tree.header(self._name(name))
        parameter, score = next(columns for columns in _RANKED if set(columns) <= {*header})
        entries: list[tuple[Any, ...]] = []
        ranks: dict[str, int] = {}
        for number, row in self._rows(name, parameter, "indices", score):
            where = f"{self._tree.where(self._name(name))}, line {number},"
            if not _INDICES.fullmatch(row["indices"].strip()):
                raise values.wrong(row, "indices", where, 'indices such as "(3, 7)"')
            part = row.get("layer_group", "")
            ranks[part] = ranks.get(part, 0) + 1
            rank = values.count(row, "rank", where) if "rank" in row else ranks[part]
            kind = "matrix" if len(re.findall(r"\d+", row["indices"])) > 1 else "vector"
            weight = values.figure(row, "weight", where) if row.get("weight") else None
            figure = float(values.figure(row, score, where))
            entries.append((rank, values.text(row, parameter, where), row["indices"].strip(), figure, weight, kind))
        return entries

    def _attach_statistics(self, baseline: TrialRecord, scores: Sequence[str]) -> None:
        name = next((one for one in _STATISTICS if one in self._names), None)
        if name is None:
            return
        held = self._beside(name)
        where = self._tree.where(self._name(name))
        if scores and set(held) <= set(scores):
            by_score = {score: values.table(held, score, where) for score in held}
        elif len(scores) == 1:
            by_score = {scores[0]: held}
        else:
            self._found.notes.append(f"{name} does not tell which score it is of, and stays as it is in {SOURCE}")
            return
        kept = {score: {"parameters": _parameters(one, where)} for score, one in by_score.items()}
        self._found.attach_json(baseline, "ranking", "ranking", {"scores": kept})

    def _perturbation(self, name: str, number: int, row: Row) -> None:
        where = f"{self._tree.where(self._name(name))}, line {number},"
        if row.get("lesion"):
            held = parsed(row["lesion"], where)
            held = held if isinstance(held, dict) else {}
            if "baseline" in held:
                self._found.own(held["baseline"], name, where, once=True)
            self._found.own(held.get("record"), name, where)
            return
        metrics = {"published_perplexity_by_length": values.figure(row, "perturbed_ppl", where)}
        more = {"ppl_increase": "published_ppl_increase", "ppl_ratio": "published_ppl_ratio"}
        metrics |= {ours: values.figure(row, theirs, where) for theirs, ours in more.items() if row.get(theirs)}
        fields: dict[str, Any] = {"metrics": metrics} | self._size()
        if row.get("weights_masked"):
            fields["touched"] = values.count(row, "weights_masked", where)
        select = {"by": "top_k", "k": values.count(row, "topk", where), "score": values.text(row, "metric", where)}
        level = values.number(row, "mask_ratio", where)
        self._found.trial(
            str(self._model),
            self._seed(),
            name,
            baseline=False,
            method="mask",
            group="all",
            level=level,
            select=select,
            **fields,
        )


def _parameters(held: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """Statistics by parameter, under Lesion's names; percentiles as they are called there."""
    rows = []
    for parameter in held:
        one = values.table(held, parameter, where)
        inside = f"{where}, {parameter},"
        row: dict[str, Any] = {"parameter": parameter}
        if "num_weights" in one:
            row["weights"] = values.count(one, "num_weights", inside)
        row |= {ours: values.figure(one, theirs, inside) for theirs, ours in _FIGURES.items() if theirs in one}
        rows.append(row | {key: one[key] for key in one if key not in (*_FIGURES, "num_weights")})
    return rows
