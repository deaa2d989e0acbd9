"""Record anew: `python -m tests.golden.record [run …]`, all or some runs. README.md says when that is allowed."""

import json
import sys
import tempfile
from pathlib import Path

from tests.golden.frozen import DRAWS, KEYS, RUNS, draws, keys, record_run


def main() -> None:
    """Rewrite all that is frozen, or the runs that are named."""
    if not sys.argv[1:]:
        KEYS.write_text(json.dumps(keys(), indent=2) + "\n")
        DRAWS.write_text(json.dumps(draws(), indent=2) + "\n")
    for run in sys.argv[1:] or RUNS:
        with tempfile.TemporaryDirectory() as folder:
            record_run(run, Path(folder))


if __name__ == "__main__":
    main()
