"""How many trials a profile comes to, by arithmetic: nothing is listed, however many they are."""

import math
from collections.abc import Sequence

from engine.profile.damage import Damage
from engine.profile.layers import layer_numbers
from engine.profile.measures import Measure
from engine.profile.model_spec import ModelSpec
from engine.profile.packing import requantising
from engine.profile.repetition import Seeds


def trial_count(
    model: ModelSpec, damage: Sequence[Damage], seeds: Seeds, measures: Sequence[Measure], limit: int
) -> int:
    """The number of trials that `engine.profile.trials` lists, and the most that searches may add; where it is far
    beyond `limit`, without the baselines of models in codes, which have to be listed to be counted."""
    undamaged = seeds.most if any(measure.draws for measure in measures) else 1
    a_model = undamaged + sum((seeds.count if one.sought else seeds.most) * _cells(one) for one in damage)
    if a_model <= limit:
        a_model += undamaged * sum(1 for _ in requantising(model, damage))
    return len(model.names) * a_model


def _cells(damage: Damage) -> int:
    """Trials of one model and one seed; none for the method `none`, which has no groups."""
    layers = 1 if damage.each_layer is None else len(layer_numbers(damage.each_layer))
    counts = len(damage.select.k) if damage.select and isinstance(damage.select.k, tuple) else 1
    return math.prod((layers, counts, len(damage.groups), damage.most_levels))
