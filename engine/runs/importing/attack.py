"""The attack study: a folder a run, `<model>_run<NN>_<precision>`, with config.json and metrics.jsonl, beside tables of
rank reductions a condition (aggregate_summary_*.csv) and summaries over runs.

What the study always did stands in no file of it: directions by power iterations, which find steep ones, a catalyst
sought for 50 steps at a rate of 0.01, and adapters of rank 16 (8 for 70m) where the weights are codes. An imported run
says so in the method's options, so that it is not taken for Lesion's own catalyst.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from engine.errors import LesionError
from engine.record.directory import SOURCE
from engine.record.trials import StageRecord, TrialRecord
from engine.runs.importing import values
from engine.runs.importing.found import Found
from engine.runs.importing.tree import Row, Tree, parent, within

CONFIG, METRICS = "config.json", "metrics.jsonl"
AGGREGATE = "aggregate_summary_"
HEALING = "healing_summary.json"
_COLUMNS = ("run", "baseline_rank", "post_attack_rank", "rank_reduction_pct")
_FOLDER = re.compile(r"(?P<model>.+)_run(?P<run>\d+)_(?P<precision>[a-z0-9]+)(?:_(?P<suffix>.+))?")
_DTYPES = {"fp16": "float16", "fp32": "float32", "bf16": "bfloat16"}
_OPTIMISERS = ("adamw", "sgd")

MEASURED = {
    "perplexity": "published_perplexity",
    "effective_rank": "published_effective_rank",
    "spectral_gap": "published_spectral_gap",
}
"""By what the study calls it after "baseline_", "post_attack_" or "healing_", what it is called here."""
FINAL = {
    "final_initial_rank": "published_catalyst_rank_before",
    "final_final_rank": "published_catalyst_rank_after",
    "final_rank_reduction": "published_catalyst_rank_reduction",
    "final_iterations": "published_looks",
}
"""By what the study calls it, what training itself found."""
HEALED = {"loss": "published_training_loss", "recovery_pct": "published_rank_recovery"}


@dataclass
class Folder:
    """One of the study's run folders, read."""

    name: str
    """Within the tree."""
    config: dict[str, Any]
    lines: list[dict[str, Any]]
    run: int
    dtype: str | None
    load_in: str
    suffix: str | None
    aggregate: Row | None = None
    files: list[str] = field(default_factory=list)

    source: str = ""
    """What its trials come from, as they say it."""
    options: dict[str, Any] = field(default_factory=dict)
    """Of its training, as Lesion would call them."""

    @property
    def ours(self) -> list[dict[str, Any]]:
        """What Lesion kept beside the lines of a run of its own."""
        return [line["lesion"] for line in self.lines if isinstance(line.get("lesion"), dict)]

    @property
    def model(self) -> str:
        """Its id on the Hub."""
        return str(self.config["model"]["hf_model_id"])


class AttackStudy:
    """Reads them; see Format."""

    name = "attack-study"

    def find(self, tree: Tree, model: str | None) -> Sequence[Found]:
        """A run for each folder of folders and precision; the runs of the study become seeds."""
        if not (names := [name for name, files in tree.folders.items() if {CONFIG, METRICS} <= {*files}]):
            _refuse_summary(tree)
            return []
        rows = _aggregates(tree)
        folders = [_folder(tree, name, rows) for name in names]
        found: list[tuple[tuple[object, ...], Found, list[Folder]]] = []
        for one in folders:
            shelf = (parent(one.name), one.dtype, one.load_in, "healing" in one.config)
            _put(tree, shelf, one, found)
        for _, run, members in found:
            _finish(tree, run, members)
        return [run for _, run, _ in found]


def _refuse_summary(tree: Tree) -> None:
    """Raises LesionError for a summary or aggregate by itself: it holds no trial."""
    for name in tree.names:
        last = PurePosixPath(name).name
        if last.endswith(".csv") and set(_COLUMNS) <= set(tree.header(name)):
            text = f"{tree.where(name)} tells ranks of runs, and which models they are of stands in their folders"
            raise LesionError(f"{text}: import the folder that holds both")
        if last.endswith("_summary.csv") and "mean_rank_reduction_pct" in tree.header(name):
            raise LesionError(f"{tree.where(name)} holds means over runs and no run: import the folder that has them")


def _aggregates(tree: Tree) -> dict[tuple[str, int], tuple[str, Row]]:
    """The rows of rank reductions by the names that their folders have without the number of the run, and by that
    number, each with the file that it is from."""
    rows: dict[tuple[str, int], tuple[str, Row]] = {}
    for name in tree.names:
        path = PurePosixPath(name)
        if not (path.name.startswith(AGGREGATE) and path.suffix == ".csv"):
            continue
        condition = within(parent(name), path.stem.removeprefix(AGGREGATE))
        for number, row in enumerate(tree.rows(name, *_COLUMNS), start=2):
            where = f"{tree.where(name)}, line {number},"
            for column in _COLUMNS[1:]:
                values.figure(row, column, where)
            rows[condition, values.count(row, "run", where)] = name, row
    return rows


def _folder(tree: Tree, name: str, rows: dict[tuple[str, int], tuple[str, Row]]) -> Folder:
    config = tree.table(within(name, CONFIG), "model")
    where = tree.where(within(name, CONFIG))
    model = values.table(config, "model", where)
    for section in ("attack", "hvp", "healing"):
        if section in config:
            values.table(config, section, where)
    values.text(model, "hf_model_id", f"{where}, model,")
    packed = model.get("use_quantization") is True
    bits = values.count(model, "quantization_bits", f"{where}, model,") if packed else 0
    if packed and bits not in (4, 8):
        raise values.wrong(model, "quantization_bits", f"{where}, model,", "4 or 8")
    title = tree.title(name)
    match = _FOLDER.fullmatch(title)
    if match is None:
        raise LesionError(
            f"{tree.where(name)} is a run of the attack study whose name does not tell which: name it as in "
            "pythia_410m_pythia-410m_run01_fp16"
        )
    lines = tree.json_lines(within(name, METRICS))
    found = Folder(
        name,
        config,
        lines,
        run=int(match["run"]),
        dtype=_DTYPES.get(match["precision"]),
        load_in=f"{bits}bit" if packed else "none",
        suffix=match["suffix"],
        files=[within(name, CONFIG), within(name, METRICS)],
        source=name or title,
    )
    found.options = _options(found, where)
    condition = "_".join(filter(None, (match["model"], match["precision"], match["suffix"])))
    if entry := rows.get((within(parent(name), condition), found.run)):
        found.files.append(entry[0])
        found.aggregate = entry[1]
    return found


def _put(
    tree: Tree, shelf: tuple[object, ...], one: Folder, found: list[tuple[tuple[object, ...], Found, list[Folder]]]
) -> None:
    """Add a folder to the first run of its kind that has no other baseline of the same model and seed; else to a new
    one."""
    for known, run, members in found:
        if known == shelf and all(_agree(one, other) for other in members):
            members.append(one)
            _add(tree, run, one)
            return
    above = parent(one.name)
    study = parent(above) if above.rpartition("/")[2] == "raw_data" else above
    precision = one.load_in if one.load_in != "none" else one.dtype or ""
    model: dict[str, Any] = {"dtype": one.dtype} if one.dtype else {}
    model |= {"load_in": one.load_in} if one.load_in != "none" else {}
    run = Found(
        "-".join(filter(None, (tree.title(study), precision))),
        AttackStudy.name,
        "the attack study, as published: training on a catalyst, and what became of rank and perplexity",
        tree,
        model=model,
    )
    found.append((shelf, run, [one]))
    _add(tree, run, one)


def _agree(one: Folder, other: Folder) -> bool:
    """Whether two folders can share a baseline: they are of other models or runs, or measured the same."""
    if (one.model, one.run) != (other.model, other.run):
        return True
    if "healing" in one.config:
        return False
    alike = _measured(one.lines[0], "baseline_") == _measured(other.lines[0], "baseline_")
    return alike and one.options != other.options


def _measured(line: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {ours: line[prefix + theirs] for theirs, ours in MEASURED.items() if prefix + theirs in line}


def _add(tree: Tree, run: Found, one: Folder) -> None:
    """The trials of one folder."""
    for name in one.files:
        run.use(name, keep=True)
    if "healing" in one.config:
        _add_healing(tree, run, one)
    else:
        _add_attack(tree, run, one)


def _add_attack(tree: Tree, run: Found, one: Folder) -> None:
    where = tree.where(within(one.name, METRICS))
    if one.ours:
        for kept in one.ours:
            run.own(kept.get("record"), one.source, where, once=True)
        return
    before = _line(one, "baseline_", where)
    after = _line(one, "post_attack_", where)
    if not any(record.baseline and (record.model, record.seed) == (one.model, one.run) for record in run.trials):
        run.trial(one.model, one.run, one.source, metrics=_figures(before, "baseline_", where))
    final: dict[str, Any] = next((line for line in one.lines if "final_final_rank" in line), {})
    metrics = _figures(after, "post_attack_", where)
    metrics |= {ours: values.figure(final, theirs, where) for theirs, ours in FINAL.items() if theirs in final}
    if one.aggregate:
        metrics["rank_reduction_pct"] = values.figure(one.aggregate, "rank_reduction_pct", where)
    attack = values.table(one.config, "attack", tree.where(within(one.name, CONFIG)))
    steps = values.count(attack, "num_steps", f"{tree.where(within(one.name, CONFIG))}, attack,")
    record = _train(run, one, "catalyst", steps, metrics, options=one.options)
    _artifact(run, one, record)


def _line(one: Folder, prefix: str, where: str) -> dict[str, Any]:
    """The line that has the measurement of that prefix. Raises LesionError where none does: the run broke off."""
    key = f"{prefix}effective_rank"
    for line in one.lines:
        if key in line:
            return line
    raise LesionError(f"{where} has no {key!r}: the run broke off before it was measured, or the file is cut off")


def _figures(line: dict[str, Any], prefix: str, where: str) -> dict[str, float]:
    return {ours: values.figure(line, prefix + theirs, where) for theirs, ours in MEASURED.items()}


def _train(run: Found, one: Folder, method: str, steps: int, metrics: dict[str, float], **fields: Any) -> TrialRecord:
    group = "matrices" if fields["options"].get("trainable") == "lora" else "all"
    told = {"baseline": False, "method": method, "group": group, "level": float(steps), "metrics": metrics}
    return run.trial(one.model, one.run, one.source, **told, **fields)


def _artifact(run: Found, one: Folder, record: TrialRecord) -> None:
    """All lines of the folder, as the artifact of its last trial."""
    held = {"folder": one.source, "aggregate": one.aggregate, "lines": one.lines}
    run.attach_json(record, "attack", "imported", held)


def _options(one: Folder, where: str) -> dict[str, Any]:
    """The catalyst's, as Lesion would call them. Raises LesionError, opening with `where`, for a value of another
    kind."""
    attack, hvp, model = (one.config.get(key) or {} for key in ("attack", "hvp", "model"))
    options: dict[str, Any] = {"curvature": "published", "search_rate": 0.01}
    if one.suffix is not None:
        options["optimiser" if one.suffix in _OPTIMISERS else "variant"] = one.suffix
    for held, theirs, ours, read, usual in (
        (attack, "learning_rate", "learning_rate", values.number, 1e-4),
        (attack, "catalyst_length", "length", values.count, 64),
        (hvp, "num_power_iterations", "iterations", values.count, 100),
        (hvp, "num_null_directions", "directions", values.count, 10),
    ):
        if held.get(theirs) is not None and (value := read(held, theirs, where)) != usual:
            options[ours] = value
    if model.get("use_gradient_checkpointing") is True:
        options["checkpointing"] = True
    if attack.get("target_rank_reduction"):
        options["target_rank_reduction"] = 100.0 * values.number(attack, "target_rank_reduction", where)
    if model.get("use_fft") is False:
        options["trainable"] = "lora"
        options |= {"lora_rank": 8, "lora_alpha": 16.0} if one.model.endswith("-70m") else {}
    return options


def _add_healing(tree: Tree, run: Found, one: Folder) -> None:
    """The undamaged model, and a trial for every look at it while it heals."""
    where = tree.where(within(one.name, METRICS))
    summary = _summary(tree, run, one)
    known = {"original_perplexity": "published_perplexity", "original_rank": "published_effective_rank"}
    metrics = {ours: values.figure(summary, theirs, where) for theirs, ours in known.items() if theirs in summary}
    if metrics:
        run.trial(one.model, one.run, one.source, metrics=metrics)
    config = tree.where(within(one.name, CONFIG))
    healing, attack = (values.table(one.config, key, config) for key in ("healing", "attack"))
    steps = values.count(attack, "num_steps", f"{config}, attack,")
    catalyst = StageRecord(method="catalyst", group="all", level=float(steps), options=one.options)
    options: dict[str, Any] = {}
    if healing.get("healing_optimizer") is not None:
        options["optimiser"] = values.text(healing, "healing_optimizer", f"{config}, healing,")
    if healing.get("healing_learning_rate") is not None:
        options["learning_rate"] = values.number(healing, "healing_learning_rate", f"{config}, healing,")
    record = None
    names = MEASURED | HEALED
    for line in one.lines:
        level = values.count(line, "healing_step", where)
        healed = {
            ours: values.figure(line, f"healing_{theirs}", where)
            for theirs, ours in names.items()
            if f"healing_{theirs}" in line
        }
        record = _train(run, one, "heal", level, healed, options=options, before=(catalyst,))
    final = {"final_perplexity": "published_perplexity", "final_effective_rank": "published_effective_rank"}
    final |= {"rank_recovery_pct": "published_rank_recovery"}
    last = healing.get("num_healing_steps")
    if isinstance(last, int) and record is not None and record.level != last and set(final) <= set(summary):
        healed = {ours: values.figure(summary, theirs, where) for theirs, ours in final.items()}
        record = _train(run, one, "heal", last, healed, options=options, before=(catalyst,))
    if record is not None:
        _artifact(run, one, record)


def _summary(tree: Tree, run: Found, one: Folder) -> dict[str, Any]:
    name = within(one.name, HEALING)
    if name not in tree.names:
        return {}
    run.use(name, keep=True)
    return tree.table(name)


def _finish(tree: Tree, run: Found, members: list[Folder]) -> None:
    """What stands beside the folders, and what is to be said."""
    members = [member for member in members if not member.ours]
    if not members:
        return
    near = {folder for member in members for folder in _above(member.name)}
    for name in tree.names:
        if parent(name) in near and _is_summary(name):
            run.use(name, keep=True)
    run.notes.append("seeds are the numbers of the study's runs: its files do not tell the seeds themselves")
    if any(member.suffix is None for member in members):
        run.notes.append(
            "the optimiser is called adamw where no folder says otherwise; it was Adafactor where available"
        )
    if strange := sorted({member.suffix for member in members if member.suffix not in (None, *_OPTIMISERS)}):
        run.notes.append(f"what {strange[0]!r} in a folder's name means is not known: it stands as the option variant")
    if missing := sum(member.aggregate is None and "healing" not in member.config for member in members):
        run.notes.append(f"{missing} runs have no rank_reduction_pct: no {AGGREGATE}*.csv beside them has them")
    for name in run.kept:
        if _is_summary(name):
            last = PurePosixPath(name).name
            run.notes.append(f"{last} holds means of absolute values over runs, and stays as it is in {SOURCE}")


def _above(folder: str) -> set[str]:
    """All folders that a folder lies in."""
    return {parent(folder)} | (_above(parent(folder)) if folder else set())


def _is_summary(name: str) -> bool:
    return name.endswith(("_summary.csv", "_summary.json")) and not name.endswith(HEALING)
