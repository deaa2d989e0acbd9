"""Profiles: reading and writing the TOML that describes an experiment, and the grid that turns it into trials.

Nothing here loads torch.
"""

from engine.profile.damage import Damage
from engine.profile.grid import Trial, draws, seeds, trials
from engine.profile.layers import Layers, parse_layers
from engine.profile.measures import GenerationMeasure, Measure, PerplexityMeasure
from engine.profile.reading import load, parse
from engine.profile.remarks import remarks
from engine.profile.schema import ModelSpec, Profile, RunSpec, Seeds
from engine.profile.writing import localise, resolve, to_toml

__all__ = [
    "Damage",
    "GenerationMeasure",
    "Layers",
    "Measure",
    "ModelSpec",
    "PerplexityMeasure",
    "Profile",
    "RunSpec",
    "Seeds",
    "Trial",
    "draws",
    "load",
    "localise",
    "parse",
    "parse_layers",
    "remarks",
    "resolve",
    "seeds",
    "to_toml",
    "trials",
]
