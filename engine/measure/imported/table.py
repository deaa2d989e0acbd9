"""What a profile says of the measurement imported."""

from typing import Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from engine.profile.faults import fault
from engine.profile.fields import Text, must_exist
from engine.profile.measures import MeasureTable


class ImportedMeasure(MeasureTable):
    """Figures that another program measured. Only the profile of an imported run has it, which can be read, not run."""

    name: Literal["imported"] = "imported"
    format: Text = Field("", description="the format of the files that they came from")

    @model_validator(mode="after")
    def _refuse_to_run(self, info: ValidationInfo) -> Self:
        if must_exist(info):
            raise fault("these figures come from another program's files, by lesion import, and cannot be measured")
        return self
