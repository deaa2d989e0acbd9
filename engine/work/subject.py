"""One loaded model under study: its measurements, damaging it, and putting it back bit for bit."""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch

from engine import catalog
from engine.measure.measurement import Measured, Measurement
from engine.methods import Context, Damaged
from engine.methods.in_place import requantise
from engine.models.loading import LoadedModel, load
from engine.models.reuse import Reuse
from engine.profile import Profile, Trial
from engine.profile.options import complete
from engine.progress import Note, Progress, silent, unheard
from engine.weights.draws import Draws
from engine.weights.packed import parameter_count
from engine.weights.selection import Listed, Ordered, Selection
from engine.weights.slices import Slice
from engine.weights.snapshot import Snapshot, digest
from engine.work.chain import Act, every_stage, perform
from engine.work.choices import Choices, Place, place_of


class WeightsNotRestoredError(Exception):
    """The model is no longer what was loaded: no later trial of this process could be trusted."""


class Subject:
    """A model loaded once and damaged many times.

    `measurements` are in the profile's order, by the key under which their batch size is kept (see `MeasureTable.key`).

    `place` is where the model's files lie, where that is not its name; `measured`: whether it will be measured.

    Raises:
        LesionError: the model cannot be loaded, or a measurement does not suit it.
    """

    def __init__(
        self,
        profile: Profile,
        name: str,
        folder: Path,
        device: torch.device,
        *,
        place: str | None = None,
        trust_remote_code: bool,
        measured: bool = True,
    ) -> None:
        self.loaded: LoadedModel = load(
            profile.model,
            name,
            device,
            place=place,
            trust_remote_code=trust_remote_code,
            pictures=profile.shows_pictures,
        )
        self._folder = folder
        self.parameters = parameter_count(self.loaded.model)
        self._pristine = digest(self.loaded.model)
        self._slices: dict[Place, list[Slice]] = {}
        self._snapshots: dict[Place, Snapshot] = {}
        """Of each place that the trial at hand does something to; kept for as long as trials do so to the same."""
        self._undo = ExitStack()
        """Takes back what is changed beside weights."""
        singles = (single for table in profile.damage for single in table.singles)
        self._choices = Choices((stage for single in singles for stage in single.stages), self.loaded, folder)
        self._reuse = Reuse(self.loaded.model, self.loaded.architecture) if measured and narrows(profile) else None
        self._first = 0
        """No block before this one is damaged, and nothing before the blocks."""
        self.measurements: dict[str, Measurement] = {}
        for spec in profile.measure if measured else ():
            implementation = catalog.load(catalog.measurement(spec.name).implementation)
            self.measurements[spec.key] = implementation(spec, self.loaded, folder)

    def damage(
        self, pack: Sequence[Trial], batch_size: int = 1, progress: Progress = silent, note: Note = unheard
    ) -> Iterator[Damaged]:
        """Do to the model what each trial of a pack asks for, one after the other; a baseline is left alone."""
        trial = pack[0]
        if trial.group is None:
            yield Damaged(0)
            return
        stages = every_stage(trial)
        self._keep([place_of(stage) for stage in stages])
        if trial.level is None:
            yield Damaged(requantise(self._slices[place_of(trial)]))
            return
        # All selections are made in the undamaged model, before anything is done.
        acts = [self._act(stage, batch_size, progress, note) for stage in stages]
        self._first = min(_first_layer(act.context.slices, act.context.selection) for act in acts)
        here = len(trial.before)
        levels = tuple(one.level for one in pack if one.level is not None)
        act = replace(acts[here], context=replace(acts[here].context, levels=levels))
        yield from perform(acts[:here], act, acts[here + 1 :])

    def _act(self, trial: Trial, batch_size: int, progress: Progress, note: Note) -> Act:
        """What one stage of a trial does, with all that it is given."""
        slices = self._slices[place_of(trial)]
        assert trial.group is not None
        assert trial.level is not None
        context = Context(
            self.loaded,
            trial.group,
            slices,
            self._choices.of(trial, slices) if trial.select else None,
            (trial.level,),
            Draws(trial.seed),
            complete(catalog.method(trial.method), trial.options, must_exist=False),
            self._folder,
            batch_size,
            progress,
            self._undo,
            note,
            self._distance,
        )
        return Act(trial.method, context)

    def _distance(self) -> float:
        """How far the weights are from what was loaded."""
        return math.hypot(*(snapshot.distance() for snapshot in self._snapshots.values()))

    def restore(self) -> None:
        """Put the weights back.

        Raises:
            WeightsNotRestoredError: some weight or buffer of the model still differs from what was loaded.
        """
        self._undo.close()
        self._first = 0
        for snapshot in self._snapshots.values():
            snapshot.restore()
        if digest(self.loaded.model) != self._pristine:
            group = " and ".join(place[0] for place in self._slices) or "no group"
            raise WeightsNotRestoredError(
                f"the weights of {self.loaded.name} differ from what was loaded although {group} was put back: "
                "something changed weights outside that group, and every later result of this worker would be wrong"
            )

    @property
    def notes(self) -> list[str]:
        """Sentences about the model that the user should see once."""
        if self._reuse is None or self._reuse.fault is None:
            return []
        return [f"{self.loaded.name}: every trial computes all layers, damaged or not: {self._reuse.fault}"]

    def measure(self, key: str, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Run a measurement on the model as it is, from the first damaged layer on where that gives the same."""
        measurement = self.measurements[key]
        if self._reuse is None or not self._first or not measurement.can_start_at(self._first):
            return measurement.run(seed, batch_size, progress)
        with self._reuse.starting_at(self._first, key):
            return measurement.run(seed, batch_size, progress)

    def stop_reusing(self) -> int:
        """Free what is kept between trials, and keep nothing from now on; returns how many bytes of main memory that
        frees."""
        freed = self._reuse.nbytes if self._reuse else 0
        self._reuse = None
        return freed

    def _keep(self, places: Sequence[Place]) -> None:
        """Keep a copy of these places, and of no others."""
        self._slices = {place: slices for place, slices in self._slices.items() if place in places}
        self._snapshots = {place: kept for place, kept in self._snapshots.items() if place in places}
        for place in dict.fromkeys(places):
            if place not in self._snapshots:
                self._slices[place] = self.loaded.architecture.slices(*place)
                self._snapshots[place] = Snapshot(self._slices[place])


def narrows(profile: Profile) -> bool:
    """Whether some damage may spare the first blocks, and the profile lets them be left out."""
    return profile.run.reuse and any(
        all(stage.layers is not None or stage.each_layer is not None or stage.select for stage in damage.stages)
        for damage in profile.damage
    )


def _first_layer(slices: Sequence[Slice], selection: Selection | None) -> int:
    """The first block that damage to the selected weights of these slices reaches; 0, too, where it reaches beyond the
    blocks. Packed weights are rounded anew even where none of them is selected."""
    selection = selection.listed() if isinstance(selection, Ordered) else selection
    if isinstance(selection, Listed):
        slices = [piece for piece in slices if piece.parameter in selection.indices or piece.packed is not None]
    layers = [-1 if piece.layer is None else piece.layer for piece in slices]
    return max(min(layers, default=0), 0)
