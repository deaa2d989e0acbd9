"""Models whose files lie elsewhere than a run's profile says: finding, checking and using them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from engine import files
from engine.errors import LesionError, quoted
from engine.paths import is_there
from engine.profile import ModelSpec, Profile, load, setting
from engine.profile.names import anchor, check_path, is_model_path, is_petri, made_by
from engine.profile.writing import identified
from engine.record.directory import MANIFEST, profile_file, read_profile
from engine.record.manifest import ModelFacts, read_manifest

Moves = dict[str, str]
"""By the name in the profile: the absolute path of the same model here."""


def parse_moves(run: Path, texts: Sequence[str]) -> dict[str, str]:
    """From "OLD=NEW" to NEW by OLD; of several "=" the first counts before which stands a model of the run.

    Raises LesionError for what is not written so.
    """
    new_places = {}
    spec = read_profile(run).model if texts else None
    for text in texts:
        splits = [(text[:at], text[at + 1 :]) for at in range(1, len(text) - 1) if text[at] == "="]
        if not splits or spec is None:
            example = "OLD=NEW, the model as the run names it and where it is now"
            raise LesionError(f"--model {quoted(text)}: write it as {example}")
        old, new = next((split for split in splits if _fitting(split[0], spec)), splits[0])
        new_places[old] = new
    return new_places


def moves(run: Path, models: Mapping[str, str], needed: Collection[str] | None = None) -> Moves:
    """`models` by the names that the run's profile has. A key may be such a name, or its last part; a relative path
    starts from the current folder. `needed`: the models that have to be there; None: all.

    Raises LesionError for a key that means none or several of the run's models in folders and files, a path where there
    is nothing, and where a model that is not moved is not there.
    """
    spec = read_profile(run).model
    new_places = {_meant(run, old, spec): _present(old, new) for old, new in models.items()}
    for name in filter(is_model_path, spec.names):
        if (needed is None or name in needed) and name not in new_places and not is_there(name):
            where = f"run {run.name} names the model {name}, and nothing is there"
            raise LesionError(f"{where}: say where it is with --model {Path(name).name}=PATH{made_by(name)}")
    return new_places


def moved(run: Path, moves: Moves, overrides: Sequence[str] = ()) -> Profile:
    """The run's profile with each model where it is now, and "key=value" `overrides` on top.

    Raises LesionError as `engine.profile.load` does, and where the files of a moved model are not those that the
    profile notes.
    """
    if not moves:
        return load(profile_file(run), overrides)
    spec = read_profile(run).model
    names = [moves.get(name, name) for name in spec.names]
    profile = load(profile_file(run), [setting("model.names", names), *overrides])
    digests = {moves.get(name, name): noted for name, noted in (spec.digests or {}).items()}
    placed = profile.model.model_copy(update={"digests": digests or None})
    _check(placed, moves)
    return profile.model_copy(update={"model": placed})


def loaded_digests(run: Path, spec: ModelSpec, moves: Moves) -> dict[str, ModelFacts]:
    """By where they are now: digest and dtype of the run's models in folders and files as it had loaded them, where its
    profile does not tell what their files hold and `spec` would load them alike; and of the bundled models, which may
    have been trained anew since.

    Raises LesionError when the run's manifest cannot be read.
    """
    known = read_manifest(run).get("models", {}) if files.is_present(run / MANIFEST) else {}
    original = read_profile(run).model
    alike = (spec.dtype, spec.load_in, "none") == (original.dtype, original.load_in, spec.load_in)
    local = [name for name in original.names if is_model_path(name) or is_petri(name)]
    silent = [name for name in local if name not in (original.digests or {})]
    facts = {moves.get(name, name): known[name] for name in silent if alike and name in known}
    return {name: {"digest": fact.get("digest"), "dtype": fact.get("dtype")} for name, fact in facts.items()}


def _check(spec: ModelSpec, moves: Moves) -> None:
    """Raises LesionError for moved models that hold other weights than the profile notes."""
    names = tuple(new for new in moves.values() if new in (spec.digests or {}))
    identified(spec.model_copy(update={"names": names}))


def _meant(run: Path, old: str, spec: ModelSpec) -> str:
    fitting = _fitting(old, spec)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise LesionError(f"--model {old}: this may be {' or '.join(fitting)}: give the whole path")
    paths = [name for name in spec.names if is_model_path(name)]
    there = f"those in folders and files are: {', '.join(paths)}" if paths else "it has none in a folder or file"
    raise LesionError(f"--model {old}: run {run.name} has no such model; {there}")


def _fitting(old: str, spec: ModelSpec) -> list[str]:
    """The models in folders and files that `old` may mean."""
    paths = [name for name in spec.names if is_model_path(name)]
    return [name for name in paths if old in (name, Path(name).name) or anchor(old, Path.cwd()) == name]


def _present(old: str, new: str) -> str:
    check_path(new)
    path = anchor(new, Path.cwd())
    if not is_there(path):
        raise LesionError(f"--model {old}={new}: there is nothing at {path}; give the model's folder or .gguf file")
    return path
