"""What another program measured cannot be measured again."""

from pathlib import Path
from typing import NoReturn

from engine.errors import LesionError
from engine.measure.imported.table import ImportedMeasure
from engine.measure.measurement import Measurement
from engine.models.loading import LoadedModel


class Imported(Measurement):
    """Raises LesionError as soon as it is to be made."""

    def __init__(self, spec: ImportedMeasure, loaded: LoadedModel, folder: Path) -> NoReturn:
        raise LesionError("imported figures come from another program's files and cannot be measured", field="measure")
