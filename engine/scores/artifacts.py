"""What a ranking leaves in a run's artifacts folder. Numbers that are not finite are written as nan, inf and -inf."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from engine.errors import LesionError
from engine.runs.lines import encode
from engine.scores.ranking import Ranking
from engine.scores.spikes import Confirmation
from engine.scores.statistics import Statistics


def write_ranking(folder: Path, name: str, ranking: Ranking) -> Path:
    """Writes `folder/name.csv`: rank, parameter, indices "(r, c)", score, weight; ranks begin anew with every unit."""
    rows = ((e.rank, e.parameter, _indices(e.index), e.score, e.weight) for e in ranking.entries())
    return _table(folder / f"{name}.csv", ("rank", "parameter", "indices", "score", "weight"), rows)


def write_statistics(folder: Path, name: str, score: str, statistics: Statistics) -> Path:
    """Writes `folder/name.json`: {"score": …, "layers": […], "parameters": […]}, see `Summary`."""
    path = folder / f"{name}.json"
    with _writing(path) as file:
        file.write(encode({"score": score} | statistics.record()).decode())
    return path


def write_super_weights(folder: Path, name: str, found: Sequence[Confirmation]) -> Path:
    """Writes `folder/name.csv`: one super weight a row, with its spike and what zeroing it does."""
    columns = ("layer", "parameter", "indices", "weight", "input", "output", "share")
    rows = []
    for one in found:
        spike = one.spike
        known = (
            spike.layer,
            spike.parameter,
            _indices(spike.index),
            spike.weight,
            spike.input,
            spike.output,
            spike.share,
        )
        rows.append((*known, one.nll, one.nll_without, one.nll_control))
    return _table(folder / f"{name}.csv", (*columns, "nll", "nll_without", "nll_control"), rows)


def _indices(index: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, index))})"


def _table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with _writing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path


@contextmanager
def _writing(path: Path) -> Iterator[TextIO]:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise LesionError(
            f"{path} could not be written ({error.strerror}); free space there or give another folder"
        ) from error
