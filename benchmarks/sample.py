"""Records the sample run in results/samples anew: `make sample`. Needs the model that `make real-model` fetches, and
some minutes of a processor.

What tells of the machine rather than of the model is left out: its name, where the model lay, memory and progress.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import engine
from engine.errors import LesionError
from engine.record.directory import EVENTS, GENERATIONS, MANIFEST, PROFILE, TRIALS

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "results" / "samples"
SOURCE = Path("profiles/smollm2.toml")
PLACE = "/opt/lesion/models/smollm2-135m-instruct"
"""Where the sample says that its model lay."""

_TOLD = ("started", "worker", "model", "state")
_HOST = "sample"


def record(results: Path) -> Path:
    """A new run of the sample's profile in the folder `results`. Raises LesionError as `engine.run` does, and where not
    all of its trials are ok."""
    run = engine.run(ROOT / SOURCE, results=results)
    status = run.status()
    if status.ok != status.total:
        raise LesionError(f"{status.total - status.ok} of {status.total} trials failed: no sample is made of this run")
    return run.path


def trim(run: Path, samples: Path) -> Path:
    """A copy of the run's lasting part in the folder `samples`, without what tells of the machine."""
    made = samples / run.name
    made.mkdir(parents=True)
    [model] = engine.open_run(run).profile().model.names
    for name in (PROFILE, TRIALS, GENERATIONS, MANIFEST, EVENTS):
        text = (run / name).read_text().replace(json.dumps(model), json.dumps(PLACE))
        (made / name).write_text(text)
    manifest = json.loads((made / MANIFEST).read_text())
    plain = {**manifest, "source": str(SOURCE), "host": _HOST}
    (made / MANIFEST).write_text(json.dumps(plain, indent=2) + "\n")
    events = [json.loads(line) for line in (made / EVENTS).read_text().splitlines()]
    kept = [_anonymous(event) for event in events if event["event"] in _TOLD]
    (made / EVENTS).write_text("".join(json.dumps(event) + "\n" for event in kept))
    return made


def _anonymous(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "host": _HOST} if "host" in event else event


def main() -> int:
    """The command; returns its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = record(Path(folder))
        except LesionError as error:
            print(f"lesion: {error}", file=sys.stderr)
            return 2
        shutil.rmtree(SAMPLES, ignore_errors=True)
        made = trim(run, SAMPLES)
    print(made.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
