"""Whether models of the Hub can be had, told in a second and without torch: `python -m engine.models.reach`.

A JSON request on stdin, with `names`, `revision` and `allow_pickle` as in a profile; the answer on stdout: `faults`, a
list with a sentence for each model that cannot be had.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.errors import LesionError
from engine.models.source import HUB_SECONDS, Source, find, gated, unreachable
from engine.profile import ModelSpec

_AT_ONCE = 8


def fault(spec: ModelSpec, name: str) -> str | None:
    """Why the model called `name`, one of the Hub's, cannot be loaded as `spec` says; None where it can, as far as that
    is known without its weights."""
    try:
        source = find(spec, name)
    except LesionError as error:
        return str(error)
    if _is_complete(_snapshot(source), spec.allow_pickle):
        return None
    return unreachable(name, spec.revision) if "local_files_only" in source.options else _refused(source)


def _snapshot(source: Source) -> Path | None:
    """The folder in the cache that holds this commit of the repository."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(source.place, "config.json", revision=source.revision)
    return Path(config).parent if isinstance(config, str) else None


def _is_complete(folder: Path | None, allow_pickle: bool) -> bool:
    """Whether weights lie in the folder, and all of those that an index lists."""
    if folder is None:
        return False
    ending = ("safetensors", "bin") if allow_pickle else ("safetensors",)
    for kind in ending:
        for index in folder.glob(f"*.{kind}.index.json"):
            return all((folder / file).is_file() for file in _listed(index))
        if any(folder.glob(f"*.{kind}")):
            return True
    return False


def _listed(index: Path) -> set[str]:
    """The files that an index of weights names; the index itself where it cannot be read, for loading to report."""
    try:
        return {str(file) for file in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {index.name}


def _refused(source: Source) -> str | None:
    """Why the Hub does not give the files of a repository that it has; None where it does."""
    from huggingface_hub import errors, get_hf_file_metadata, hf_hub_url

    try:
        get_hf_file_metadata(hf_hub_url(source.place, "config.json", revision=source.revision), timeout=HUB_SECONDS)
    except errors.GatedRepoError:
        return gated(source.name)
    except errors.EntryNotFoundError:
        return f"{source.name} holds no model: there is no config.json in this repository of the Hugging Face Hub"
    except Exception:  # no answer: every HTTP client has its own exceptions for that
        return unreachable(source.name, None)
    return None


def main() -> None:
    """Answer the request on stdin."""
    request = json.load(sys.stdin)
    names = request["names"]
    spec = ModelSpec.model_construct(**request)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        faults = list(threads.map(lambda name: fault(spec, name), names))
    print(json.dumps({"faults": [one for one in faults if one]}))


if __name__ == "__main__":
    main()
