"""Keys of a table that name a text, prompts, a picture, a file or a folder.

A key is one by its type: `text: TextName`. What may stand there, what an editor offers, that a relative path starts
from the profile's folder, that a run keeps a copy, and that the content counts in keys: all of it follows from that.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from engine import catalog
from engine.errors import LesionError, quoted
from engine.paths import is_folder, is_there
from engine.profile.faults import fault, show
from engine.profile.fields import Text, accept, must_exist
from engine.profile.hashing import sha256
from engine.profile.names import AUTO, anchor, check_file, check_path, is_file_name
from engine.profile.pictures import check_picture, picture_bytes

Mark = TypeVar("Mark")

Bundled = Callable[[], Mapping[str, Any]]
"""What comes with Lesion and packages, by name, each with a `summary`."""


class Input:
    """Marks the type of a key that names something bundled or a file of the user's.

    `noun` is what messages call it. `auto`: the word "auto" may stand there, which `MeasureTable.settled` replaces.
    """

    several = False
    """Whether what it names may be listed in the profile itself, too."""

    def __init__(self, noun: str, bundled: Bundled = dict, *, auto: bool = False) -> None:
        self.noun, self.bundled, self.auto = noun, bundled, auto

    @property
    def names(self) -> list[str]:
        """What may stand there beside a path."""
        return [*([AUTO] if self.auto else []), *self.bundled()]

    def check(self, name: str, *, must_exist: bool) -> None:
        """Raises LesionError unless `name` is one of `names` or a file, which has to be there if it `must_exist`."""
        check_file(name, self.names, self.noun, must_exist=must_exist)

    def is_own(self, value: Any) -> bool:
        """Whether the value of such a key names something of the user's."""
        return isinstance(value, str) and is_file_name(value) and value not in self.bundled()

    def anchored(self, value: Any, folder: Path) -> Any:
        """`value` as it stands in a file in `folder`, with what it names made absolute. What has the wrong type is
        left for validation to report."""
        if not isinstance(value, str) or not value or value in self.names:
            return value
        return anchor(value, folder) if is_file_name(value) or is_there(folder / value) else value

    def copy(self, source: Path, target: Path) -> None:
        """Makes `target` what `source` is. Raises OSError where that fails."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def content(self, value: Any, folder: Path) -> Any:
        """What of it decides a result, as JSON: the name of what is bundled, a hash of what a file holds. A relative
        path starts from `folder`. Raises LesionError where the file cannot be read."""
        return sha256(Path(anchor(value, folder))) if self.is_own(value) else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._validated, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        plain = handler(schema)
        return {"anyOf": [{"enum": self.names}, {"type": "string"}]} if self.names else plain

    def _validated(self, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str):
            accept(lambda name: self.check(name, must_exist=must_exist(info)), value)
        return value


class PromptInput(Input):
    """Prompts: a set, a file, or the prompts themselves."""

    several = True

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        one_by_one = {"type": "array", "items": {"type": "string"}}
        return {"anyOf": [super().__get_pydantic_json_schema__(schema, handler), one_by_one]}


class PictureInput(Input):
    """A picture: a file that can be decoded here."""

    def check(self, name: str, *, must_exist: bool) -> None:
        """Raises LesionError unless `name` is a bundled picture or an existing file, and pictures can be read here."""
        check_picture(name, must_exist=must_exist)

    def content(self, value: Any, folder: Path) -> Any:
        """The hash of its file, bundled or not."""
        return hashlib.sha256(picture_bytes(value, folder)).hexdigest()


class FolderInput(Input):
    """A folder of the user's, with everything in it but what Python and hidden files leave there."""

    def check(self, name: str, *, must_exist: bool) -> None:
        """Raises LesionError unless `name` can be a folder, which has to be there if it `must_exist`."""
        check_path(name)
        if must_exist and not is_folder(name):
            raise LesionError(f"there is no folder {quoted(name)}; give {self.noun}")

    def copy(self, source: Path, target: Path) -> None:
        """Makes `target` what `source` is. Raises OSError where that fails."""
        for path in own_files(source):
            super().copy(path, target / path.relative_to(source))

    def content(self, value: Any, folder: Path) -> Any:
        """By path within the folder, the hash of every file."""
        place = Path(anchor(value, folder))
        return {str(path.relative_to(place)): sha256(path) for path in own_files(place)}


def _check_prompts(prompts: Any) -> Any:
    if isinstance(prompts, list | tuple):
        if not prompts or not all(isinstance(prompt, str) and prompt.strip() for prompt in prompts):
            raise fault("a list of prompts needs at least one entry, and every entry is text that is not empty")
        return tuple(prompts)
    if isinstance(prompts, str):
        return prompts
    raise fault(f"must be a prompt set, a file or a list of prompts, not {show(prompts)}")


TextName = Annotated[Text, Input("text", catalog.texts, auto=True)]
"""A bundled text, or a .txt file of documents."""
Prompts = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_check_prompts),
    PromptInput("prompt set", catalog.prompt_sets, auto=True),
]
"""A bundled prompt set, a file of prompts, or the prompts themselves."""
PictureName = Annotated[Text, PictureInput("picture", catalog.pictures)]
"""A bundled picture, or a PNG, JPEG or WebP file."""
FileName = Annotated[Text, Input("file")]
"""A file of the user's, whatever is in it."""


def inputs_of(table: type[BaseModel]) -> dict[str, Input]:
    """The keys of a table that are inputs."""
    marked = ((key, next(marks(field, Input), None)) for key, field in table.model_fields.items())
    return {key: mark for key, mark in marked if mark is not None}


def marks(annotation: Any, kind: type[Mark]) -> Iterator[Mark]:
    """What of this kind a type, or the field of a table, is annotated with, at any depth."""
    for mark in getattr(annotation, "metadata", ()) or getattr(annotation, "__metadata__", ()):
        if isinstance(mark, kind):
            yield mark
    parts = (annotation.annotation,) if isinstance(annotation, FieldInfo) else get_args(annotation)
    for part in parts:
        yield from marks(part, kind)


def anchor_all(table: type[BaseModel], data: dict[str, Any], folder: Path) -> None:
    """Makes the paths in `data`, which is meant for `table` and lies in a file in `folder`, absolute, in place."""
    for key, source in inputs_of(table).items():
        if key in data:
            data[key] = source.anchored(data[key], folder)


def own_files(folder: Path) -> list[Path]:
    """The files of a folder; not what Python and hidden folders leave there."""
    every = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in every if not any(_left(part) for part in path.relative_to(folder).parts)]


def _left(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__"
