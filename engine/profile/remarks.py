"""What is allowed in a profile but may surprise."""

from engine import catalog
from engine.catalog.plugins import faults
from engine.paths import is_folder
from engine.profile.damage import Damage
from engine.profile.names import is_hub_id, is_petri
from engine.profile.schema import Profile


def remarks(profile: Profile) -> list[str]:
    """Sentences for the user, none of which stops a run."""
    return [*faults(), *_shadowed(profile), *_idle_seeds(profile), *_seeking(profile), *_measuring(profile)]


def _shadowed(profile: Profile) -> list[str]:
    """Models of the Hub that a folder in the current directory stands before."""
    idle = "; model.revision is ignored" if profile.model.revision else ""
    return [
        f"{name} is read from the folder {name} in the current directory, not from the Hugging Face Hub{idle}"
        for name in profile.model.names
        if is_hub_id(name) and is_folder(name)
    ]


def _idle_seeds(profile: Profile) -> list[str]:
    if profile.seeds.count == 1 or any(measure.draws for measure in profile.measure):
        return []
    still = sorted({damage.method for damage in profile.damage if not _draws(damage)} - {"none"})
    outcome = f"and nothing is sampled: the {profile.seeds.count} seeds will give equal results"
    return [f"{method} draws nothing {outcome}" for method in still]


def _seeking(profile: Profile) -> list[str]:
    """Searches that do not mean what they seem to."""
    fresh = sorted(
        {damage.method for damage in profile.damage if damage.sought and catalog.method(damage.method).walks}
    )
    remarks = [f"every level that is tried of {method} is trained up to from the start" for method in fresh]
    if profile.seeds.until and not any(damage.levels for damage in profile.damage):
        remarks.append("seeds.until adds seeds to levels that are listed, and this profile lists none")
    return remarks


def _draws(damage: Damage) -> bool:
    stages = damage.stages
    return any(catalog.method(one.method).draws or (one.select and one.select.by == "random") for one in stages)


def _measuring(profile: Profile) -> list[str]:
    petri = [is_petri(name) for name in profile.model.names]
    return [remark for measure in profile.measure for remark in measure.remarks(petri)]
