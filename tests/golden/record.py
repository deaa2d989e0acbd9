"""Record everything anew: `python -m tests.golden.record`. README.md says when that is allowed."""

import json
import tempfile
from pathlib import Path

from tests.golden.frozen import DRAWS, KEYS, draws, keys, record_run


def main() -> None:
    """Rewrite all that is frozen."""
    KEYS.write_text(json.dumps(keys(), indent=2) + "\n")
    DRAWS.write_text(json.dumps(draws(), indent=2) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        record_run(Path(folder))


if __name__ == "__main__":
    main()
