"""Profiles: reading and writing the TOML that describes an experiment, and the grid that turns it into trials.

Nothing here loads torch.
"""

from engine.profile.analysis import Analysis, Reference
from engine.profile.damage import Damage
from engine.profile.demand import Effort, Group, Load
from engine.profile.grid import Repeated, Search, Trial, grid, possible_seeds, seeds, trials
from engine.profile.inputs import FileName, FolderInput, Input, PictureName, Prompts, TextName
from engine.profile.layers import Layers, parse_layers
from engine.profile.measures import (
    Measure,
    MeasureTable,
    PromptTable,
    ScoredTextTable,
    TextTable,
)
from engine.profile.model_spec import ModelSpec
from engine.profile.options import OptionsTable
from engine.profile.places import Where, trial_group
from engine.profile.reading import load, merged, parse
from engine.profile.remarks import remarks
from engine.profile.repetition import RunSpec, Seeds
from engine.profile.schema import Profile
from engine.profile.scoring import ScoreSpec
from engine.profile.selection import Select, keys_with
from engine.profile.toml_lines import setting
from engine.profile.versions import Versions, changed, in_words, versions
from engine.profile.writing import localise, resolve, to_toml

__all__ = [
    "Analysis",
    "Damage",
    "Effort",
    "FileName",
    "FolderInput",
    "Group",
    "Input",
    "Layers",
    "Load",
    "Measure",
    "MeasureTable",
    "ModelSpec",
    "OptionsTable",
    "PictureName",
    "Profile",
    "PromptTable",
    "Prompts",
    "Reference",
    "Repeated",
    "RunSpec",
    "ScoreSpec",
    "ScoredTextTable",
    "Search",
    "Seeds",
    "Select",
    "TextName",
    "TextTable",
    "Trial",
    "Versions",
    "Where",
    "changed",
    "grid",
    "in_words",
    "keys_with",
    "load",
    "localise",
    "merged",
    "parse",
    "parse_layers",
    "possible_seeds",
    "remarks",
    "resolve",
    "seeds",
    "setting",
    "to_toml",
    "trial_group",
    "trials",
    "versions",
]
