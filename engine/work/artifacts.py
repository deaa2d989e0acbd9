"""What a measurement found beyond numbers: one JSON file a trial and measurement, in the run's artifacts folder."""

from pathlib import Path
from typing import Any

from engine.runs.directory import ARTIFACTS
from engine.runs.lines import encode


def keep(folder: Path, trial: str, measurement: str, content: dict[str, Any]) -> str:
    """Write `content`, whole or not at all, in place of what an earlier attempt at the trial left; returns the name
    within the run directory. Numbers that are not finite become "nan", "inf" and "-inf"."""
    name = f"{ARTIFACTS}/{trial}-{measurement}.json"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(encode(content))
    beside.replace(path)
    return name
