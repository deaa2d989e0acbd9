"""The worker process: `python -m engine.work worker`. Reads requests and writes answers as JSON lines, see
engine.record.messages."""

import tomllib
from pathlib import Path

from engine.errors import LesionError
from engine.profile import parse
from engine.record.messages import Done, Fatal, Finished, Hello, PackRequest, Ready, read_request
from engine.work.bench import Bench
from engine.work.channel import Channel, leave
from engine.work.device import device_facts, open_device, settle
from engine.work.subject import WeightsNotRestoredError


def serve(channel: Channel) -> None:
    """Serve one runner until it says quit or closes its end."""
    try:
        bench = _begin(channel)
        while isinstance(request := read_request(channel.receive()), PackRequest):
            for trial, outcome in bench.run(request.trials, request.recorded):
                texts = tuple(outcome.texts)
                done = Done(trial=trial.key, record=outcome.result, generations=texts, files=outcome.files)
                channel.send(done.encode())
            channel.send(Finished().encode())
    except (LesionError, WeightsNotRestoredError) as error:
        channel.send(Fatal(text=str(error)).encode())
        leave(1)
    leave(0)


def _begin(channel: Channel) -> Bench:
    hello = read_request(channel.receive())
    assert isinstance(hello, Hello)
    folder = Path(hello.folder)
    profile = parse(tomllib.loads(hello.profile), str(folder / "profile.toml"), folder)
    settle(hello.threads)
    device = open_device(hello.device)
    bench = Bench(
        profile,
        folder,
        device,
        lambda answer: channel.send(answer.encode()),
        trust_remote_code=hello.trust_remote_code,
        batch=hello.batch,
        places=hello.places,
    )
    facts = device_facts(device, every_gpu=profile.model.device_map is not None)
    channel.send(Ready(device=str(device), facts=facts).encode())
    return bench
