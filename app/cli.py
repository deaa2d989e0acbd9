"""The command `lesion`: what it can do, how it ends, and what it says when something is wrong.

Data goes to stdout, talk to stderr. Exit status: 0 done, 1 some trials failed, 2 bad input, 70 a fault in Lesion,
130 interrupted. Nothing here loads torch, and each command loads what it needs when it is called.
"""

import errno
import os
import sys
from typing import Annotated, NoReturn

import typer

from app import output, own_faults
from app.commands import analyze, browse, card, chart, doses, execute, importing, options, prepare, save
from engine.errors import LesionError, shortened
from engine.version import version as lesion_version

BAD_INPUT, FAULT, INTERRUPTED = 2, 70, 130

HELP = """Damage language models on purpose and measure what fails.

Without a command, opens the console.

Start with: lesion run demo · lesion results · lesion chart last · lesion COMMAND --help

Exit status: 0 done, 1 some trials failed, 2 bad input, 70 a fault in Lesion, 130 interrupted."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 100},
)
execute.register(app)
prepare.register(app)
browse.register(app)
chart.register(app)
analyze.register(app)
card.register(app)
doses.register(app)
importing.register(app)
save.register(app)


@app.callback(invoke_without_command=True, help=HELP)
def _lesion(
    context: typer.Context,
    results: options.Results = options.RESULTS,
    profiles: options.Profiles = options.PROFILES,
    ascii_only: options.Ascii = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    # A folder given before the command's name holds for the command, whose own --results stays the stronger.
    os.environ["LESION_RESULTS"] = str(results)
    if version:
        output.show(lesion_version())
    elif context.invoked_subcommand is None:
        browse.console(results, profiles, ascii_only=ascii_only)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command with these arguments, or the process's own, and exit with its status."""
    output.prepare()
    sys.exit(_status(sys.argv[1:] if arguments is None else arguments))


def _status(arguments: list[str]) -> int:
    try:
        status = app(arguments, prog_name="lesion", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except (LesionError, typer.TyperException) as error:
        return _bad_input(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except SystemExit:  # what typer makes of a reader of our output that has enough
        output.hush(sys.stdout)
        return 0
    except output.UnwrittenError as error:
        output.hush(sys.stdout)
        return _unwritten(error)
    except Exception as error:
        return _fault(error)


def _bad_input(error: Exception) -> int:
    sentence = _usage(error) if isinstance(error, typer.TyperException) else str(error)
    for line in sentence.split("\n"):
        output.say(f"lesion: {line}")
    return BAD_INPUT


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the command line, in the same form as every other mistake."""
    words = error.format_message().strip().rstrip(".").split(" ")
    message = " ".join(map(shortened, words))
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "lesion"
    return f"{message[:1].lower()}{message[1:]}; see {command} --help"


def _unwritten(error: output.UnwrittenError) -> int:
    """Nothing is amiss where nobody reads any more."""
    if error.errno == errno.EPIPE:
        return 0
    output.say(f"lesion: stdout cannot be written: {error.strerror}")
    return BAD_INPUT


def _fault(error: Exception) -> int:
    output.say(f"lesion: {own_faults.report(error)}")
    return FAULT


if __name__ == "__main__":
    main()
