"""Who opens files: what lies in a run directory is opened by engine.files alone, where links and pipes are refused."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]

ROOMS = ("engine/record", "engine/runs", "engine/analysis", "app/console", "app/commands")
OPENS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "copyfile", "is_file", "exists"}

ALLOWED = {
    "app/commands/host.py": "the processor's name, from /proc; whether the results folder exists",
    "app/console/design/toml_text.py": "whether what a profile names exists",
    "app/console/design/save_as.py": "whether a profile would be overwritten",
    "engine/analysis/files.py": "the file that a user exports to",
    "engine/runs/host.py": "control groups",
    "engine/runs/manifest.py": "the processor's name, from /proc; the checkout's commit",
    "engine/runs/owner.py": "processes, from /proc",
}


def calls(path: Path) -> list[str]:
    """Lines that open, read, write or look for a file by other means than engine.files."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        whose = ast.unparse(function.value) if isinstance(function, ast.Attribute) else ""
        if name in OPENS and whose != "files":
            found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(function)}")
    return found


def test_nobody_else_opens_files_of_a_run() -> None:
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    by_hand = [line for path in paths if path.relative_to(ROOT).as_posix() not in ALLOWED for line in calls(path)]
    assert by_hand == []
    assert all(calls(ROOT / path) for path in ALLOWED)  # nobody stays on the list for nothing
