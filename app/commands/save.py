"""The command save: a trial's damaged model, to take along."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import output
from app.commands import execute, options


def register(app: typer.Typer) -> None:
    """Add the command of this page."""
    app.command()(save)


def save(
    run: options.RunName,
    trial: Annotated[
        str, typer.Argument(metavar="TRIAL", help="A trial's key, an unambiguous part of it, or its index.")
    ],
    folder: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to; empty, or not there yet.")
    ],
    device: execute.Device = None,
    model: execute.Moved = None,
    trust_remote_code: options.TrustRemoteCode = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Write a trial's damaged model as a Hugging Face folder.

    The damage is done once more and the model written with its tokenizer and a card; loading it gives the trial's
    logits bit for bit, which is tried before the folder appears. Adapters that do not merge so are saved beside it.

    Examples: lesion save last 12 -o damaged · lesion save 3f9c b41c77 -o damaged
    """
    from engine import runs
    from engine.runs.moves import parse_moves
    from engine.runs.saving import save as save_model

    found = runs.find(run, results)
    saved = save_model(
        found,
        trial,
        folder,
        device=device,
        models=parse_moves(found, model or []),
        trust_remote_code=trust_remote_code,
        told=(lambda text: None) if quiet else output.say,
    )
    for note in saved.notes:
        output.say(f"note: {note}")
    if saved.adapters and not quiet:
        output.say("adapters are not merged, as that would round otherwise: the model is in base/, they lie beside it")
    if as_json:
        output.show_json(
            {"folder": saved.folder, "trial": saved.trial.trial, "adapters": saved.adapters, "notes": saved.notes}
        )
    else:
        output.show(str(folder))
    return 0
