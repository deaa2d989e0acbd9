"""How many trials a profile comes to, by arithmetic: nothing is listed, however many they are."""

import math
from typing import TYPE_CHECKING

from engine.profile.layers import layer_numbers
from engine.profile.packing import requantising

if TYPE_CHECKING:
    from engine.profile.damage import Damage
    from engine.profile.schema import Profile


def trial_count(profile: "Profile") -> int:
    """The number of trials that `engine.profile.trials` lists; where it is far beyond `run.limit`, without the
    baselines of models in codes, which have to be listed to be counted."""
    seeds = profile.seeds.count
    undamaged = seeds if any(measure.draws for measure in profile.measure) else 1
    a_model = undamaged + seeds * sum(_cells(damage) for damage in profile.damage)
    if a_model <= profile.run.limit:
        a_model += undamaged * sum(1 for _ in requantising(profile))
    return len(profile.model.names) * a_model


def _cells(damage: "Damage") -> int:
    """Trials of one model and one seed; none for the method `none`, which has no groups."""
    layers = 1 if damage.each_layer is None else len(layer_numbers(damage.each_layer))
    counts = len(damage.select.k) if damage.select and isinstance(damage.select.k, tuple) else 1
    return math.prod((layers, counts, len(damage.groups), len(damage.levels)))
