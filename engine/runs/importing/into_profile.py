"""A list of the degradation study brought into a profile of ours: trials whose texts it has whole are done work, and
lesion resume runs the rest.

A trial counts where model, type of numbers, method, group, level, seed, prompts and the settings of sampling are those
of the profile. Its draws are that program's own: the record says that it was imported.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.catalog.columns import labelled
from engine.errors import LesionError, quoted
from engine.profile import Measure, Trial, load, trials
from engine.profile.texts import prompt_set_name, questions
from engine.record.directory import read_profile
from engine.record.texts import TextRecord
from engine.record.trials import TrialRecord
from engine.runs.importing.degradation import DegradationJson, Written, wording_of, written
from engine.runs.importing.found import Found
from engine.runs.importing.tree import Tree
from engine.wording import grade

_Key = tuple[str, str, str, int]


class Match:
    """The texts of one file held against the trials of one profile."""

    def __init__(self, tree: Tree, file: Path) -> None:
        """Raises LesionError where the profile cannot be run, asks for more than texts, or a file is not of the
        study."""
        self.profile = load(file)
        self._file = file
        self._check_measures()
        self._asked = [(one, questions(one, file.parent)) for one in self.profile.measure]  # type: ignore[arg-type]
        read = [(name, written(tree, name)) for name in tree.names]
        if foreign := [name for name, records in read if not records]:
            raise LesionError(f"{tree.where(foreign[0])} is no list of the degradation study: only that fits a profile")
        self.found = Found(self.profile.name, DegradationJson.name, "", tree)
        self._by_place: dict[_Key, list[tuple[str, Written]]] = {}
        self._count = 0
        for name, records in read:
            self.found.use(name)
            for one in records:
                self._keep(name, one)

    def _check_measures(self) -> None:
        for measure in self.profile.measure:
            if measure.name != "generation":
                raise LesionError(
                    f"{self._file}: the measurement {measure.name} is not what a list of texts can tell: trials of it "
                    "would not be whole; leave it out, or import without --profile"
                )

    def _keep(self, name: str, one: Written) -> None:
        self._count += 1
        model, method, group, level, seed = one.place
        if level is not None and self._unlike(one) is None:
            self._by_place.setdefault((model, method, str(group), seed), []).append((name, one))

    def _unlike(self, one: Written) -> str | None:
        """Why a record cannot be of the profile, whatever its trial; None where it can."""
        spec = self.profile.model
        if one.place[0] not in spec.names:
            return f"its model is {one.place[0]}, and the profile has {', '.join(spec.names)}"
        if one.dtype != spec.dtype:
            return f"its dtype is {one.dtype}, and the profile's is {spec.dtype}"
        if one.packed or spec.load_in != "none":
            return "weights stored as codes are not the same in both"
        return None

    def fill(self, run: Path) -> None:
        """The trials of the run's profile that are there whole, with their texts, into `found`. Raises LesionError
        where there is none."""
        used: set[int] = set()
        for trial in trials(read_profile(run), run):
            if texts := self._texts(trial):
                used.update(id(one) for _, one, _, _ in texts)
                self._add(trial, texts)
        if not self.found.trials:
            raise LesionError(f"{self.found.tree.path} has no trial of {self._file} whole: {self._why()}")
        if left := self._count - len(used):
            self.found.notes.append(f"{left:,} texts are of no trial of the profile, or of one that is not whole")
            for name in self.found.files:
                self.found.use(name, keep=True)
        self.found.notes.append(
            "imported trials drew their damage and their texts by that program's own random numbers; whether it used a "
            "chat template is not told"
        )

    def _texts(self, trial: Trial) -> list[tuple[str, Written, Measure, int]]:
        """The texts of a trial in the order in which it would write them, each with its file, its measurement and the
        place of its prompt; none where any is missing."""
        plain = not (trial.baseline or trial.options or trial.select or trial.before or trial.then)
        narrowed = [one for one in (trial.layers, trial.heads, trial.experts) if one is not None]
        if not plain or narrowed or trial.level is None:
            return []
        at = trial.level
        here = [
            (name, one)
            for name, one in self._by_place.get((trial.model, trial.method, str(trial.group), trial.seed), [])
            if math.isclose(one.place[3] or 0.0, at, rel_tol=1e-9, abs_tol=1e-12)
        ]
        chosen: list[tuple[str, Written, Measure, int]] = []
        for measure, asked in self._asked:
            suited = {one.text["prompt"]: (name, one) for name, one in here if _is_of(measure, one)}
            found = [
                (index, suited[question.prompt]) for index, question in enumerate(asked) if question.prompt in suited
            ]
            if len(found) < len(asked):
                return []
            chosen += [(name, one, measure, index) for index, (name, one) in found]
        return chosen

    def _add(self, trial: Trial, texts: Sequence[tuple[str, Written, Measure, int]]) -> None:
        told = [(measure, self._told(one, measure, index)) for _, one, measure, index in texts]
        metrics: dict[str, float] = {}
        for measure, _ in self._asked:
            some = [text for of, text in told if of is measure]
            found = wording_of(some) | _graded(some)
            metrics |= {labelled(measure.label, name): value for name, value in found.items()}
        self.found.trials.append(
            TrialRecord(
                trial=trial.key,
                index=trial.index,
                model=trial.model,
                baseline=False,
                method=trial.method,
                group=trial.group,
                level=trial.level,
                seed=trial.seed,
                status="ok",
                metrics=metrics,
                change_pct=dict.fromkeys(metrics),
                texts=len(told),
                imported=texts[0][0],
            )
        )
        self.found.texts += [
            TextRecord(
                trial=trial.key,
                measurement="generation",
                label=measure.label,
                found=text,
                model=trial.model,
                method=trial.method,
                group=trial.group,
                level=trial.level,
                seed=trial.seed,
            )
            for measure, text in told
        ]

    def _told(self, one: Written, measure: Measure, index: int) -> dict[str, Any]:
        answers = next(asked for of, asked in self._asked if of is measure)[index].answers
        text = {**one.text, "index": index, "prompt_set": prompt_set_name(measure)}  # type: ignore[arg-type]
        return text | ({"answers": list(answers), **grade(text["text"], answers)} if answers else {})

    def _why(self) -> str:
        """What keeps the first record from being of the profile."""
        name = self.found.files[0]
        one = written(self.found.tree, name)[0]
        why = self._unlike(one)
        if why is None and not any(map(self._is_near, self._places())):
            _, method, group, _, seed = one.place
            why = f"no trial of the profile has its method {method} on {group} with seed {seed}"
        return f"of its first text, {why or self._unsuited(one)}"

    def _places(self) -> Iterator[Trial]:
        yield from trials(self.profile, self._file.parent)

    def _is_near(self, trial: Trial) -> bool:
        return (trial.model, trial.method, str(trial.group), trial.seed) in self._by_place

    def _unsuited(self, one: Written) -> str:
        """Why a text of a trial of the profile does not fit any of its measurements."""
        if any(_is_of(measure, one) for measure, _ in self._asked):
            return "some prompts of the profile have no text, or its level is another"
        groups = ", ".join(str(measure.label or prompt_set_name(measure)) for measure, _ in self._asked)  # type: ignore[arg-type]
        return (
            f"the group of its prompt is {quoted(one.held.get('prompt_group'))} and its settings are "
            f"{quoted(one.held.get('gen_params'))}: the profile has {groups}, and has to sample alike"
        )


def _is_of(measure: Any, one: Written) -> bool:
    """Whether a text was written as a measurement would have it written."""
    settings = one.held.get("gen_params")
    if not isinstance(settings, Mapping) or one.held.get("prompt_group") not in (
        measure.label,
        prompt_set_name(measure),
    ):
        return False
    sampled = settings.get("do_sample") is measure.sample
    alike = settings.get("max_new_tokens") == measure.max_new_tokens
    warm = not measure.sample or settings.get("temperature") == measure.temperature
    return sampled and alike and warm and bool(one.held.get("image_used")) is (measure.image is not None)


def _graded(texts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The shares of texts that give an answer, of those whose prompts have one."""
    graded = [text for text in texts if "answers" in text]
    return {name: sum(text[name] for text in graded) / len(graded) for name in ("exact_match", "answered") if graded}
