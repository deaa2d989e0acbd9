"""The worker process: `python -m engine.work worker`. Reads requests and writes answers as JSON lines, see
engine.record.messages."""

from engine.errors import LesionError
from engine.record.messages import Done, Fatal, Finished, PackRequest, read_request
from engine.work.bench import Bench
from engine.work.channel import Channel, leave
from engine.work.greeting import greeted
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
    greeting = greeted(channel)
    bench = Bench(
        greeting.profile,
        greeting.folder,
        greeting.device,
        lambda answer: channel.send(answer.encode()),
        trust_remote_code=greeting.hello.trust_remote_code,
        batch=greeting.hello.batch,
        places=greeting.hello.places,
    )
    channel.send(greeting.ready().encode())
    return bench
