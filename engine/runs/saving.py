"""Taking a damaged model along: a trial done once more, in a process with torch, and its model written as a folder."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

from engine import catalog, files
from engine.errors import LesionError
from engine.profile import Profile, Trial, grid, load, to_toml, versions
from engine.profile.packs import Pack, packs
from engine.profile.versions import DRAWS, changed, in_words, score
from engine.record.changes import Baselines
from engine.record.directory import profile_file
from engine.record.lines import encode, is_full
from engine.record.manifest import read_manifest
from engine.record.messages import Answer, AtWork, Fatal, Hello, Loaded, Loading, Ready, Saved, SaveRequest, read_answer
from engine.record.records import find_trial, read_trials
from engine.record.seeking import Seeker
from engine.record.trials import TrialRecord
from engine.runs import manifest
from engine.runs.devices import choose
from engine.runs.model_card import CARD, card
from engine.runs.moves import moves
from engine.runs.processes import command, environment

Told = Callable[[str], None]
"""Is told, a line at a time, how far the work is."""


@dataclass(frozen=True)
class SavedModel:
    """A trial's model in a folder.

    adapters: how many folders of adapters lie beside it, in which case the model itself is in base/.
    notes: what may keep it from being the trial's to the last bit, as sentences; mostly none.
    """

    folder: Path
    trial: TrialRecord
    adapters: int
    notes: list[str]


def save(
    run: Path,
    which: str,
    folder: Path,
    *,
    device: str | None = None,
    models: Mapping[str, str] | None = None,
    trust_remote_code: bool = False,
    told: Told = lambda text: None,
) -> SavedModel:
    """Do a recorded trial's damage once more and write the model, its tokenizer and a card into `folder`.

    The folder appears when all of it is written and was loaded again with the same weights and logits, bit for bit;
    until then nothing is there. `which` is a key, an unambiguous part of one, or an index; `models` says where models
    are now, as `engine.runs.moves.moves` takes it.

    Raises LesionError for a trial that is not there, has no result, or is no change of weights; a folder with something
    in it; a model that cannot be loaded, has other weights than the run had, or cannot be written.
    """
    record = find_trial(run, which)
    profile = load(profile_file(run), [f"model.device={device}"] if device else [], must_exist=False)
    walk = _to_do(run, profile, record)
    folder = Path(os.path.realpath(folder))
    _check_free(folder)
    hello = Hello(
        profile=to_toml(profile),
        folder=str(run.resolve()),
        device=choose(profile.model.device),
        threads=profile.run.threads or 1,
        trust_remote_code=trust_remote_code,
        batch={record.model: record.batch or {}},
        places=moves(run, models or {}, needed=(record.model,)),
    )
    errand = _Errand(run, record, told)
    with _in_one_step(folder) as unfinished:
        saved = errand.run(hello, SaveRequest(trials=tuple(walk), target=str(unfinished)))
        notes = errand.notes + _other_numbers(record, saved)
        undamaged = Baselines(read_trials(run)).of(record)
        written = card(run, profile, record, undamaged, adapters=saved.adapters, touched=saved.touched, notes=notes)
        files.replace(unfinished / CARD, written.encode())
    return SavedModel(folder, record, saved.adapters, notes)


def _to_do(run: Path, profile: Profile, record: TrialRecord) -> Sequence[Trial]:
    """The trials that lead to the record's: itself, after those that its walk passes before.

    Raises LesionError where its model cannot be saved.
    """
    if record.status != "ok":
        raise LesionError(f"trial {record.trial} has no result ({record.status}: {record.error}), and is not saved")
    if record.imported is not None:
        text = f"trial {record.trial} was imported: another program made it, and Lesion cannot make its model again"
        raise LesionError(text)
    stages = [record.method, *(stage.method for stage in (*(record.before or ()), *(record.then or ())))]
    for name in stages:
        if catalog.method(name).acts_on == "blocks":
            text = f"trial {record.trial} cannot be saved: {name} acts on what blocks compute and changes no weight"
            raise LesionError(f"{text}, and a folder of weights holds nothing else")
    known, searches = grid(profile, run, manifest.earlier(run))
    sought = Seeker(searches, read_trials(run)).trials()
    for pack in (*packs(known), *(Pack((trial,)) for trial in sought)):
        for place, trial in enumerate(pack.trials):
            if record.trial in trial.keys:
                _check_versions(run, profile, record, trial)
                return pack.trials[: place + 1]
    text = f"trial {record.trial} is not one that the profile of {run.name} makes here"
    raise LesionError(f"{text}: it was recorded with another version of a package, or its texts have changed")


def _check_versions(run: Path, profile: Profile, record: TrialRecord, trial: Trial) -> None:
    """Raises LesionError where the same profile would damage other weights, or otherwise, than it did."""
    if record.trial == trial.key:
        return
    now = versions(profile)
    selects = [trial.select, *(stage.select for stage in (*trial.before, *trial.then))]
    decisive = {DRAWS, *(score(select["score"]) for select in selects if select and select.get("score"))}
    for noted in manifest.earlier(run):
        if others := {what: old for what, old in changed(noted, now).items() if what in decisive}:
            text = f"trial {record.trial} was made with other versions of what chooses weights"
            raise LesionError(f"{text}, {in_words(others, now)}: its model cannot be made again")


def _check_free(folder: Path) -> None:
    """Raises LesionError where something is there that would be overwritten."""
    try:
        if any(folder.iterdir()):
            raise LesionError(f"{folder} has something in it: give a folder that is empty, or not there yet")
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise LesionError(f"{folder} is a file, or lies below one: give a folder that is not there yet") from None
    except OSError as error:
        raise LesionError(f"{folder} cannot be read: {error.strerror}") from error


@contextmanager
def _in_one_step(folder: Path) -> Iterator[Path]:
    """A new folder beside this one, which takes its place in the end; where something goes wrong, nothing is left.

    Raises LesionError where the file system does not allow it, or has no room.
    """
    unfinished = folder.with_name(f".{folder.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir()
        yield unfinished
        _settle(unfinished)
        unfinished.rename(folder)
        files.sync_folder(folder.parent)
    except OSError as error:
        why = "disk full: free space, or give a folder on another disk" if is_full(error) else error.strerror
        raise LesionError(f"{folder} cannot be written: {why}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _settle(folder: Path) -> None:
    """Bring all that lies in a folder to the disk, for whoever may read the folder: safetensors gives its files to
    their owner alone."""
    mode = folder.stat().st_mode & 0o666
    for path in folder.iterdir():
        if path.is_dir():
            _settle(path)
        else:
            file = files.descriptor(path)
            try:
                os.fchmod(file, mode)
                os.fsync(file)
            finally:
                os.close(file)
    files.sync_folder(folder)


def _other_numbers(record: TrialRecord, saved: Saved) -> list[str]:
    """What the damage found of itself that the trial did not find: then the weights are not the trial's."""
    found: dict[str, float | None] = {**saved.metrics, "touched": saved.touched}
    known: dict[str, float | None] = {**record.metrics, "touched": record.touched}
    differing = [name for name, value in found.items() if name in known and repr(value) != repr(known[name])]
    pairs = ", ".join(f"{name} {found[name]} and not {known[name]}" for name in differing)
    return [f"done again, the damage is not the trial's to the last bit: {pairs}"] if pairs else []


@dataclass
class _Errand:
    """A process that saves one model, and what it says."""

    run_folder: Path
    record: TrialRecord
    told: Told
    notes: list[str] = field(default_factory=list)

    def run(self, hello: Hello, request: SaveRequest) -> Saved:
        """Raises LesionError with its sentence where it does not come to an end."""
        with TemporaryFile() as errors:
            process = subprocess.Popen(
                command("engine.work", "saver"),
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
            try:
                if (saved := self._converse(process, hello, request)) is not None:
                    return saved
                status = process.wait()
            finally:
                process.kill()
                process.wait()
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip().splitlines()
        how = words[-1] if words else f"status {status}"
        raise LesionError(f"the process that was to save trial {self.record.trial} ended early: {how}")

    def _converse(self, process: "subprocess.Popen[bytes]", hello: Hello, request: SaveRequest) -> Saved | None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(encode(hello.encode()) + encode(request.encode()))
            process.stdin.flush()
        except OSError:  # it has ended, and its last words say why
            return None
        for line in process.stdout:
            answer = read_answer(line)
            if answer is None or isinstance(answer, Saved):
                return answer
            self._take(answer)
        return None

    def _take(self, answer: Answer) -> None:
        match answer:
            case Fatal():
                raise LesionError(answer.text)
            case Ready():
                self.notes += manifest.differences(self.run_folder, answer.device, answer.facts)
            case Loading():
                self.told(f"loading {answer.model}")
            case Loaded():
                self._check(answer)
            case AtWork():
                self.told(answer.what)

    def _check(self, loaded: Loaded) -> None:
        """Raises LesionError where the model has other weights than the run began with."""
        known = read_manifest(self.run_folder).get("models", {}).get(loaded.model, {})
        if known.get("digest") not in (None, loaded.digest):
            other = f"digest {loaded.digest}, dtype {loaded.dtype}; there {known.get('digest')}, {known.get('dtype')}"
            text = f"the weights of {loaded.model} are not those of run {self.run_folder.name} ({other})"
            raise LesionError(f"{text}: {manifest.mend(loaded.model)}")
        self.told(f"damaging {loaded.model}: {self.record.method}")
