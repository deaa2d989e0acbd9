"""The worker process: `python -m engine.work worker`. Reads requests and writes answers as JSON lines.

Requests:
    hello   profile (TOML text), folder, device, threads, trust_remote_code, batch, places (by a trial's model: the
            profile's, where files lie elsewhere than they did); comes first
    pack    trials (the fields of engine.profile.Trial, in order) and recorded (keys of those that need no result)
    quit
Answers:
    ready     after hello: device, and facts about what it computes with (see engine.work.device.device_facts)
    model     state "loading" or "ready"; ready with seconds, revision, digest, parameters, dtype
    progress  trial, what
    warning   text
    done      trial, record, generations, and files: content by name in the run directory; one for every trial of a pack
              that was not recorded
    finished  after the last trial of a pack, when the model is as it was loaded
    fatal     text; the process ends with status 1
"""

import tomllib
from pathlib import Path
from typing import Any

from engine.errors import LesionError
from engine.profile import Trial, parse
from engine.work.bench import Bench
from engine.work.channel import Channel, leave
from engine.work.device import device_facts, open_device, settle
from engine.work.subject import WeightsNotRestoredError


def serve(channel: Channel) -> None:
    """Serve one runner until it says quit or closes its end."""
    try:
        bench = _begin(channel)
        while (request := channel.receive())["do"] == "pack":
            for trial, outcome in bench.run([_trial(fields) for fields in request["trials"]], request["recorded"]):
                found = {"record": outcome.record, "generations": outcome.texts, "files": outcome.files}
                channel.send({"say": "done", "trial": trial.key, **found})
            channel.send({"say": "finished"})
    except (LesionError, WeightsNotRestoredError) as error:
        channel.send({"say": "fatal", "text": str(error)})
        leave(1)
    leave(0)


def _begin(channel: Channel) -> Bench:
    hello = channel.receive()
    folder = Path(hello["folder"])
    profile = parse(tomllib.loads(hello["profile"]), str(folder / "profile.toml"), folder)
    settle(hello["threads"])
    device = open_device(hello["device"])
    bench = Bench(
        profile,
        folder,
        device,
        channel.send,
        trust_remote_code=hello["trust_remote_code"],
        batch=hello["batch"],
        places=hello.get("places"),
    )
    facts = device_facts(device, every_gpu=profile.model.device_map is not None)
    channel.send({"say": "ready", "device": str(device), "facts": facts})
    return bench


def _trial(fields: dict[str, Any]) -> Trial:
    given = {key: fields[key] for key in ("layers", "heads", "experts", "former_keys")}
    return Trial(**fields | {key: tuple(only) if isinstance(only, list) else only for key, only in given.items()})
