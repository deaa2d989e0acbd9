"""docs/ARCHITECTURE.md names the rooms that there are, on the floors that the import contract holds."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| (.+?) \|.*\| (yes|no) \|$", PAGE, re.M)


def modules(cell: str) -> list[str]:
    """The modules named in a cell of the table, as imports name them."""
    return [name.strip("/").removesuffix(".py").replace("/", ".") for name in re.findall(r"`([\w/.]+)`", cell)]


FLOORS = {module: int(floor) for floor, cell, _ in ROWS for module in modules(cell)}


def contracts() -> dict[str, dict[str, list[str]]]:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {contract["id"]: contract for contract in linter["contracts"]}


def test_every_room_stands_in_the_table() -> None:
    rooms = {f"engine.{path.parent.name}" for path in ROOT.glob("engine/*/__init__.py")}
    assert rooms <= set(FLOORS), "a room without a row"
    for module in FLOORS:
        place = ROOT / module.replace(".", "/")
        assert place.is_dir() or place.with_suffix(".py").is_file(), f"{module} is no more"


def test_the_floors_are_those_of_the_contract() -> None:
    layers = [re.split(r"\s*[|:]\s*", layer) for layer in contracts()["floors"]["layers"]]
    named = [[FLOORS[module] for module in layer if FLOORS.get(module)] for layer in layers]
    floors = [set(numbers) for numbers in named if numbers]
    assert all(len(numbers) == 1 for numbers in floors), "rooms of one layer stand on different floors"
    order = [next(iter(numbers)) for numbers in floors]
    assert len(order) >= 12
    assert all(above > below for above, below in pairwise(order))


def test_rooms_without_torch_are_those_that_the_contract_keeps_from_it() -> None:
    heavy = {module for _, cell, torch in ROWS if torch == "yes" for module in modules(cell)}
    assert heavy == {name for name in contracts()["terminal-without-torch"]["forbidden_modules"] if "." in name}


def test_every_file_it_names_is_there() -> None:
    for name in re.findall(r"`((?:engine|app|tests)/[\w/]+(?:\.py)?)/?`", PAGE):
        assert (ROOT / name).exists(), name
