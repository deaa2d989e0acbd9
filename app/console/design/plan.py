"""How many trials a profile comes to, counted without listing them: a form may ask for a million at a keystroke."""

import math
from dataclasses import dataclass, replace

from engine import catalog
from engine.profile import Damage, Profile, Where
from engine.profile.grid import stage_of
from engine.profile.options import unusual
from engine.profile.packing import requantising
from engine.profile.places import stages_in_words


@dataclass(frozen=True)
class Share:
    """What one entry of a profile adds to the trials of one model."""

    what: str
    """The method, or "baseline"."""
    factors: tuple[tuple[int, str], ...]
    """What multiplies to its trials: (6, "level")."""
    levels: tuple[float, ...] = ()
    place: str = ""
    """The group with all that narrows it, where there is one."""

    @property
    def count(self) -> int:
        """Trials for one model."""
        return math.prod(number for number, _ in self.factors)


def shares(profile: Profile) -> list[Share]:
    """The baselines, then every damage, for one model; the method none adds nothing to the baselines."""
    seeds, possible = (profile.seeds.count, "seed"), (profile.seeds.most, "possible seed")
    repeated = possible if profile.seeds.until else seeds
    drawn = any(measure.draws for measure in profile.measure)
    baselines = [Share("baseline", (repeated,) if drawn else ((1, "model"),))]
    if places := len(list(requantising(profile.model, profile.damage))):
        baselines.append(Share("requantise", ((places, "place"), *((repeated,) if drawn else ()))))
    return baselines + [
        Share(
            damage.method,
            (
                *_layers(damage),
                *_groups(damage),
                _dosed(damage),
                seeds,
            ),
            damage.levels,
            _place(damage),
        )
        for damage in profile.damage
        if damage.method != "none"
    ]


def _dosed(damage: Damage) -> tuple[int, str]:
    """Its levels; where one is sought, as many as that may take."""
    return damage.most_levels, "possible level" if damage.sought else "level"


def _layers(damage: Damage) -> tuple[tuple[int, str], ...]:
    return () if damage.each_layer is None else ((len(damage.singles), "layer"),)


def _groups(damage: Damage) -> tuple[tuple[int, str], ...]:
    return () if len(damage.groups) == 1 else ((len(damage.groups), "group"),)


def _place(damage: Damage) -> str:
    """As tables call it: `all[top_k 100 magnitude]`."""
    if len(damage.groups) != 1:
        return ""
    numbers = (damage.layers, damage.heads, damage.experts)
    select = damage.select.identity if damage.select else None
    options = unusual(catalog.method(damage.method), damage.options)
    where = Where.narrowed(damage.groups[0], *numbers, select=select, options=options)
    before, then = (stages_in_words([stage_of(one) for one in stages]) for stages in (damage.before, damage.then))
    return str(replace(where, before=before, then=then).label)


def total(profile: Profile) -> int:
    """All trials of a profile."""
    return profile.trial_count
