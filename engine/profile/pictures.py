"""The pictures that prompts can be about: bundled or the user's own, as files. What they show is read elsewhere."""

import io
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from engine import catalog, files
from engine.errors import LesionError, quoted, shortened, suggestion
from engine.paths import is_file, is_there
from engine.profile.names import PICTURE_ENDINGS, anchor, check_path, is_file_name, is_model_path, is_petri

_KINDS = ("PNG", "JPEG", "WEBP")
_PROCESSORS = ("processor_config.json", "preprocessor_config.json")
"""The files that say how a model wants its pictures; one that sees has at least one of them."""


def check_picture(name: str, *, must_exist: bool) -> None:
    """Raises LesionError unless `name` is a bundled picture or an existing file, and pictures can be read here."""
    known = catalog.pictures()
    if name not in known and not is_file_name(name):
        raise LesionError(f"there is no picture {quoted(name)}, and no such file either{suggestion(name, known)}")
    if name not in known:
        check_path(name)
    if not must_exist:
        return
    if name not in known and not is_file(name):
        raise LesionError(f"there is no file {quoted(name)}; a picture is a file or one of: {', '.join(known)}")
    if find_spec("PIL") is None:
        raise LesionError("pictures need the extra `lesion-lab[pictures]`; install it with pip")


def check_sight(model: str) -> None:
    """Raises LesionError for a model that, by its name or its folder, takes no pictures. Of one on the Hub nothing is
    known here."""
    why = None
    if is_petri(model):
        why = "the petri models read text only"
    elif model.endswith(".gguf"):
        why = "a .gguf file holds the language model alone"
    elif is_model_path(model) and not any(is_there(Path(model, file)) for file in _PROCESSORS):
        why = f"its folder holds neither {' nor '.join(_PROCESSORS)}"
    if why:
        raise LesionError(
            f"{shortened(model)} takes no pictures: {why}; name an image-text model, or leave the image out"
        )


def picture_name(name: str) -> str:
    """What records call a picture: a bundled one's name, or the file's without its folder."""
    return Path(name).name


def picture_bytes(name: str, folder: Path) -> bytes:
    """The file of a picture. A relative path starts from `folder`, the folder of the profile's file.

    Raises LesionError where it cannot be read, or holds no PNG, JPEG or WebP picture that can be decoded.
    """
    if name in catalog.pictures():
        return resources.files("engine.data").joinpath(f"pictures/{name}.png").read_bytes()
    path = anchor(name, folder)
    try:
        data = files.read_named(Path(path))
    except OSError as error:
        raise LesionError(f"'{path}' cannot be read: {error.strerror}") from None
    _check_decodes(data, path)
    return data


def _check_decodes(data: bytes, path: str) -> None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_KINDS) as picture:
            picture.load()
    except Exception as error:  # Pillow's decoders raise many kinds
        accepted = f"give a PNG, JPEG or WebP picture ({', '.join(PICTURE_ENDINGS)})"
        known = not str(error).startswith("cannot identify")
        why = f"is damaged ({error})" if known else "is no picture that can be read"
        raise LesionError(f"'{path}' {why}: {accepted}") from None
