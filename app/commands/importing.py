"""The command import: results of other programs, brought in as runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import output
from app.commands import options
from engine import finding
from engine.errors import LesionError

if TYPE_CHECKING:
    from engine.runs.importing import Imports

MOST_UNKNOWN = 5
"""Files without a known format that are named."""

Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files, or folders that hold them.")]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Which model it was, where the files do not say.")
]
Again = Annotated[bool, typer.Option("--again", help="Also what was imported before.")]


IntoProfile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="PROFILE",
        help="Make a run of this profile, in which texts of the degradation study are done work.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command of this page."""
    app.command("import")(import_)


def import_(
    paths: Paths,
    model: Model = None,
    profile: IntoProfile = None,
    again: Again = False,
    as_json: options.Json = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Bring in the results of other programs as runs.

    They list, chart, export and browse like our own, marked as imported. Recognised are the formats of five published
    studies. Figures stay as they were published, under names of their own
    where they are not what Lesion measures; what cannot be mapped stays in the run as it is, and is listed.

    Examples: lesion import old-results/ · lesion import outputs.json --profile degradation/full
    """
    from engine.runs.importing import Imports, bring_in, bring_into

    if profile is None:
        made = bring_in(paths, results, model=model, again=again)
    elif len(paths) > 1 or model is not None:
        raise LesionError("--profile takes one path, of texts that name their model")
    else:
        run = bring_into(paths[0], finding.profile_path(profile), results, again=again)
        made = Imports((run,), ())
        output.say(f"the rest of the profile is run by: lesion resume {run.run.name}")
    for one in made.runs:
        texts = f" and {one.texts:,} texts" if one.texts else ""
        output.say(f"imported {one.trials:,} trials{texts} ({one.format}): {one.run.name}")
        for note in one.notes:
            output.say(f"note: {note}")
    _say_unknown(made)
    if as_json:
        output.show_json([_plain(made, number) for number in range(len(made.runs))])
    else:
        for one in made.runs:
            output.show(str(one.run))
    return 0


def _say_unknown(made: Imports) -> None:
    if made.unknown:
        more = f" and {len(made.unknown) - MOST_UNKNOWN:,} more" if len(made.unknown) > MOST_UNKNOWN else ""
        output.say(f"not imported, of no known format: {', '.join(made.unknown[:MOST_UNKNOWN])}{more}")


def _plain(made: Imports, number: int) -> dict[str, object]:
    one = made.runs[number]
    return {
        "run": str(one.run),
        "format": one.format,
        "trials": one.trials,
        "texts": one.texts,
        "notes": list(one.notes),
    }
