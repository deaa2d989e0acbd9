"""A model that brings program code of its own: a bundled one under another name, as an author on the Hub would."""

import json
import shutil
from pathlib import Path

from engine.petri import PETRI

_CODE = """
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

open({mark!r}, "w").close()


class OwnConfig(GPTNeoXConfig):
    model_type = "own"


class OwnModel(GPTNeoXForCausalLM):
    config_class = OwnConfig
"""


def save_own(folder: Path, mark: Path) -> Path:
    """The model in `folder`; its code makes the file `mark` when it runs."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(PETRI["petri-4k"], folder)
    weights = load_file(folder / "model.safetensors")
    if "embed_out.weight" in weights:  # an older name, which transformers knows of its own families
        weights["lm_head.weight"] = weights.pop("embed_out.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    names = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "own", "auto_map": names}))
    (folder / "own.py").write_text(_CODE.format(mark=str(mark)))
    return folder
