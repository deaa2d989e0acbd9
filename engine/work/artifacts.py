"""What a trial found beyond numbers, as the content of files named after the trial and what made them."""

from typing import Any

from engine.record.directory import ARTIFACTS
from engine.record.findings import Findings, as_csv
from engine.record.lines import encode


def written(facts: dict[str, Any], whose: str, findings: Findings) -> dict[str, str]:
    """The artifact of a measurement or a method, opened by `facts` (`trial` among them), and its tables: content by
    name within the run directory, the artifact first."""
    start = f"{ARTIFACTS}/{facts['trial']}-{whose}"
    files = {} if findings.artifact is None else {f"{start}.json": as_json(facts | findings.artifact)}
    return files | {
        f"{start}-{name}.csv" if name else f"{start}.csv": as_csv(table) for name, table in findings.tables.items()
    }


def as_json(content: dict[str, Any]) -> str:
    """One line of JSON; numbers that are not finite become "nan", "inf" and "-inf"."""
    return encode(content).decode()
