"""Turns a model of any supported form, a .gguf file say, into a folder of safetensors that loads in a second:
`python -m engine.models.convert SOURCE FOLDER`."""

import argparse
import shutil
import sys
from pathlib import Path

import torch

from engine.errors import LesionError
from engine.models.loading import load
from engine.profile import ModelSpec


def convert(source: str, folder: Path) -> None:
    """Write the model and its tokenizer into `folder`, which must not exist yet; it appears only when complete.

    Raises LesionError where the model cannot be loaded or the folder is there already.
    """
    if folder.exists():
        raise LesionError(f"{folder} exists already: remove it, or name another folder")
    loaded = load(ModelSpec(names=(source,)), source, torch.device("cpu"))
    unfinished = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    loaded.model.save_pretrained(unfinished)
    loaded.tokenizer.save_pretrained(unfinished)
    unfinished.rename(folder)


def main() -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m engine.models.convert", description=__doc__)
    parser.add_argument("source", help="a .gguf file, a folder or a Hub id")
    parser.add_argument("folder", type=Path, help="where the converted model goes")
    arguments = parser.parse_args()
    try:
        convert(arguments.source, arguments.folder)
    except LesionError as error:
        print(f"lesion: {error}", file=sys.stderr)
        return 2
    print(f"{arguments.source} -> {arguments.folder}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
