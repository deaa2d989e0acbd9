"""The command `lesion`: what it can do, how it ends, and what it says when something is wrong.

Data goes to stdout, talk to stderr. Exit status: 0 done, 1 some trials failed, 2 bad input, 70 a fault in Lesion,
130 interrupted. Nothing here loads torch, and each command loads what it needs when it is called.
"""

import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer

from app.commands import browse, execute, options, prepare
from engine.errors import LesionError, shortened

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


@app.callback(invoke_without_command=True, help=HELP)
def _lesion(
    context: typer.Context,
    results: options.Results = options.RESULTS,
    profiles: options.Profiles = options.PROFILES,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    # A folder given before the command's name holds for the command, whose own --results stays the stronger.
    os.environ["LESION_RESULTS"] = str(results)
    if version:
        print(options.version())
    elif context.invoked_subcommand is None:
        browse.console(results, profiles)


def main(arguments: list[str] | None = None) -> None:
    """Run the command with these arguments, or the process's own, and exit with its status."""
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
    except (BrokenPipeError, SystemExit):
        # Whoever read our output has enough; typer turns that into an exit of its own. The rest goes nowhere, or the
        # interpreter would complain while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _fault(error)


def _bad_input(error: Exception) -> int:
    sentence = _usage(error) if isinstance(error, typer.TyperException) else str(error)
    for line in sentence.splitlines():
        print(f"lesion: {line}", file=sys.stderr)
    return BAD_INPUT


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the command line, in the same form as every other mistake."""
    words = error.format_message().strip().rstrip(".").split(" ")
    message = " ".join(map(shortened, words))
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "lesion"
    return f"{message[:1].lower()}{message[1:]}; see {command} --help"


def _fault(error: Exception) -> int:
    """Say in one sentence what broke and keep the traceback in a file, to be sent to whoever mends Lesion."""
    with tempfile.NamedTemporaryFile("w", prefix="lesion-fault-", suffix=".txt", delete=False) as file:
        file.write(
            f"lesion {options.version()} {' '.join(sys.argv[1:])}\n\n{''.join(traceback.format_exception(error))}"
        )
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    print(f"lesion: a fault in Lesion itself ({what}); the traceback is in {Path(file.name)}", file=sys.stderr)
    return FAULT


if __name__ == "__main__":
    main()
