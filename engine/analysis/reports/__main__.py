"""`python -m engine.analysis.reports RUN` writes report.md and report.json into a run's directory.

Exit status: 0 written, or not wanted by the profile; 2 not written, and a sentence on stderr says why.
"""

import sys
from pathlib import Path

from engine.analysis.reports.files import write_beside
from engine.analysis.reports.report import chosen, report
from engine.errors import LesionError


def main(run: Path) -> int:
    """Write the report of a run beside its journal."""
    try:
        choices = chosen([run])
        if choices.report:
            write_beside(report([run], choices), run)
    except LesionError as error:
        return _say(str(error))
    except OSError as error:
        return _say(f"{run} cannot be written: {error.strerror}")
    return 0


def _say(text: str) -> int:
    sys.stderr.write(text.replace("\n", " ") + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
