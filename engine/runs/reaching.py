"""Asking, before a run is made, whether its models of the Hub can be had: a wrong name is found out at once."""

import json
import subprocess
from typing import TYPE_CHECKING

from engine.errors import LesionError
from engine.paths import is_folder
from engine.profile.names import is_hub_id
from engine.record.lines import parse
from engine.runs.processes import command, environment

if TYPE_CHECKING:
    from engine.profile import Profile

_SECONDS = 120.0
"""How long the answer may take: the Hub has ten seconds for each of a few questions."""
_MOST_SHOWN = 10


def check_reachable(profile: "Profile") -> None:
    """Raises LesionError, with a line a model, where models of the Hub are neither there nor in the cache of this host,
    or are not given to this user."""
    spec = profile.model
    names = [name for name in spec.names if is_hub_id(name) and not is_folder(name)]
    if not names:
        return
    faults = _ask({"names": names, "revision": spec.revision, "allow_pickle": spec.allow_pickle})
    if faults:
        more = [f"and {len(faults) - _MOST_SHOWN:,} more models"] if len(faults) > _MOST_SHOWN else []
        raise LesionError("\n".join([*faults[:_MOST_SHOWN], *more]), field="model.names")


def _ask(request: dict[str, object]) -> list[str]:
    try:
        done = subprocess.run(
            command("engine.models.reach"),
            env=environment(),
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=_SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        text = f"the Hugging Face Hub gave no answer within {_SECONDS:g} s"
        raise LesionError(f"{text}: try again, or set HF_HUB_OFFLINE=1 to use what is in the cache") from None
    answer = parse(done.stdout)
    if answer is None:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        why = words[-1] if words else f"exit status {done.returncode}"
        raise LesionError(f"whether the models of the Hub can be had is not known: {why}")
    return [str(fault) for fault in answer["faults"]]
