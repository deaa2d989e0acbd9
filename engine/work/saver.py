"""The saver: `python -m engine.work saver`. Damages a model as a trial did and writes it as a folder.

Reads hello and one save request, and answers with saved or fatal, see engine.record.messages. A model whose adapters
are not part of its weights goes into base/, and each set of them into adapter/, adapter-2/, …: merged, they would round
otherwise, and the logits would be others than the trial's.
"""

import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from engine.errors import LesionError
from engine.methods import Damaged
from engine.models.exhaustion import is_out_of_memory
from engine.models.folder import Proof, unwritten, write_model
from engine.models.loading import LoadedModel, load, own_tokenizer, translated
from engine.models.source import find
from engine.profile import Trial
from engine.record.messages import Fatal, Loaded, Loading, Saved, SaveRequest, read_request
from engine.training.adapter_files import adapters_of, attach_written, write_adapters
from engine.work.channel import Channel, leave
from engine.work.greeting import Greeting, greeted
from engine.work.memory import release
from engine.work.subject import Subject
from engine.work.telling import Say, Telling
from engine.work.unexpected import sentence

BASE, ADAPTER = "base", "adapter"


def serve(channel: Channel) -> None:
    """Save one model, and end."""
    try:
        greeting = greeted(channel)
        request = read_request(channel.receive())
        assert isinstance(request, SaveRequest)
        channel.send(greeting.ready().encode())
        saved = _save(greeting, request, lambda answer: channel.send(answer.encode()))
        channel.send(saved.encode())
    except LesionError as error:
        channel.send(Fatal(text=str(error)).encode())
        leave(1)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        why = "out of memory: the model does not fit" if is_out_of_memory(error) else sentence(error)
        channel.send(Fatal(text=why).encode())
        leave(1)
    leave(0)


def _save(greeting: Greeting, request: SaveRequest, say: Say) -> Saved:
    target = Path(request.target)
    proof, saved = _write(greeting, request.trials, target, say)
    release(greeting.device)  # there may not be room for two of them
    _check(greeting, proof, request.trials[-1].model, target, saved.adapters)
    return saved


def _write(greeting: Greeting, trials: Sequence[Trial], target: Path, say: Say) -> tuple[Proof, Saved]:
    """Damage the model and write it; what it was like when it was written."""
    trial = trials[-1]
    subject = _subject(greeting, trial.model, say)
    telling = Telling(say, trial.key, trial.method)
    batch = greeting.hello.batch.get(trial.model, {}).get(trial.method, 1)
    steps = subject.damage(trials, batch, telling.progress, telling.note)
    done = [next(steps) for _ in trials]
    loaded = subject.loaded
    proof = Proof.of(loaded)
    count = _write_all(greeting, loaded, target)
    return proof, _saved(done[-1], count)


def _saved(damaged: Damaged, adapters: int) -> Saved:
    return Saved(touched=damaged.touched, metrics=damaged.metrics, adapters=adapters)


def _subject(greeting: Greeting, name: str, say: Say) -> Subject:
    hello, begun = greeting.hello, time.perf_counter()
    say(Loading(model=name))
    subject = Subject(
        greeting.profile,
        name,
        greeting.folder,
        greeting.device,
        place=hello.places.get(name),
        trust_remote_code=hello.trust_remote_code,
        measured=False,
    )
    loaded = subject.loaded
    say(
        Loaded(
            model=name,
            seconds=time.perf_counter() - begun,
            revision=loaded.revision,
            digest=loaded.digest,
            parameters=subject.parameters,
            dtype=str(loaded.dtype).removeprefix("torch."),
        )
    )
    return subject


def _write_all(greeting: Greeting, loaded: LoadedModel, target: Path) -> int:
    """The model, and beside it each set of adapters; returns how many of those there are."""
    trust = greeting.hello.trust_remote_code
    source = find(greeting.profile.model, greeting.hello.places.get(loaded.name) or loaded.name)
    with translated(source):
        tokenizer = own_tokenizer(source, trust)
    adapters = adapters_of(loaded.model)
    try:
        for number, one in enumerate(adapters):
            write_adapters(one, loaded.model, BASE, target / _adapter(number))
    except Exception as error:
        raise unwritten(loaded.name, error) from error
    write_model(loaded, tokenizer, target / BASE if adapters else target)
    return len(adapters)


def _check(greeting: Greeting, proof: Proof, name: str, target: Path, adapters: int) -> None:
    """Raises LesionError unless the folder gives back the model that was written."""
    place = str(target / BASE if adapters else target)
    plain = {"names": (place,), "dtype": "auto", "revision": None, "digests": None}
    spec = greeting.profile.model.model_copy(update=plain)
    pictures, trust = greeting.profile.shows_pictures, greeting.hello.trust_remote_code
    again = load(spec, place, greeting.device, trust_remote_code=trust, pictures=pictures)
    for number in range(adapters):
        attach_written(again.model, target / _adapter(number))
    proof.check(Proof.of(again), name)


def _adapter(number: int) -> str:
    return f"{ADAPTER}-{number + 1}" if number else ADAPTER
