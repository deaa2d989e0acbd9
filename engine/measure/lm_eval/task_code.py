"""Program code that comes with task files of lm-evaluation-harness: whether a folder of them could run any.

A task file is data as far as it is plain YAML, whose files, metrics and templates are known. It runs code by the tag
!function, by the name of a metric that the library `evaluate` would fetch, and through data that are pickles or come
with a script; and it may include files from anywhere. Its templates are sandboxed when they are filled in.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.errors import LesionError, quoted, shortened

_PLAIN = "tag:yaml.org,2002:"
_CODE = {".py", ".pyc", ".pyd", ".so"}
_METRIC = re.compile(r"register_metric\(\s*metric=[\"']([^\"']+)")


def reasons(folder: Path) -> Iterator[str]:
    """What in the folder, at any depth, could run program code: clauses that name the file. Raises LesionError for a
    task file that is not YAML."""
    every = sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    for path in every:
        if path.suffix in _CODE:
            yield shortened(str(path.relative_to(folder)))
    home, seen = folder.resolve(), set[Path]()
    pending = [path for path in every if path.suffix == ".yaml" and path.is_file()]
    while pending:
        path = pending.pop(0)
        real = _real(path)
        if real in seen:
            continue
        if real is None or not real.is_relative_to(home):
            yield f"{shortened(str(path))} lies outside of the folder"
            continue
        seen.add(real)
        name = shortened(str(real.relative_to(home)))
        for key, node in _entries(real, name):
            clause = _reason(key, node)
            if clause is not None:
                yield f"{name} {clause}"
            if key == "include":
                pending += [real.parent / each.value for each in _scalars(node)]


def _reason(key: str, node: Any) -> str | None:
    """Why the value `node` of `key` could run code."""
    if not node.tag.startswith(_PLAIN) or node.tag.startswith(f"{_PLAIN}python"):
        return f"says {shortened(node.tag)}"
    value = node.value if isinstance(node.value, str) else ""
    if key == "metric" and value not in _metrics():
        return f"asks for the metric {quoted(value)}, which is not the harness's own"
    if key in ("hf_evaluate", "trust_remote_code") and value.lower() in ("true", "yes", "on"):
        return f"says {key}: {value}"
    if key == "dataset_path" and value == "pandas":
        return "reads pickles"
    return None


def _entries(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    """Every value in the file with its key; "" for what has none. Raises LesionError where it is not YAML."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(path.read_bytes(), Loader=loader)
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        what = str(error).replace("\n", " ")
        raise LesionError(f"the task file {name} cannot be read: {shortened(what)}") from None
    pending, seen = [("", root)], set[tuple[str, int]]()
    while pending:
        key, node = pending.pop()
        if node is None or (key, id(node)) in seen:
            continue
        seen.add((key, id(node)))
        yield key, node
        if isinstance(node, yaml.MappingNode):
            pending += [(str(below.value), value) for below, value in node.value]
            pending += [("", below) for below, _ in node.value]
        elif isinstance(node, yaml.SequenceNode):
            pending += [(key, value) for value in node.value]


def _scalars(node: Any) -> list[Any]:
    return [each for each in (node.value if node.id == "sequence" else [node]) if each.id == "scalar"]


def _real(path: Path) -> Path | None:
    """The file behind all links; None where that is none."""
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):
        return None


@cache
def _metrics() -> frozenset[str]:
    """The names of the metrics that lm-evaluation-harness brings itself, read from its files without loading it."""
    spec = find_spec("lm_eval")
    places: Iterable[str] = (spec.submodule_search_locations or ()) if spec else ()
    files = [Path(place, "api", "metrics.py") for place in places]
    return frozenset(name for file in files if file.is_file() for name in _METRIC.findall(file.read_text()))
