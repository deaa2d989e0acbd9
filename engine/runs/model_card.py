"""The card of a saved model, its README.md: what was done to it, what was measured, how it is loaded."""

from dataclasses import replace
from pathlib import Path

from engine import catalog
from engine.catalog.columns import metric_of
from engine.markdown import code, escaped, table
from engine.profile import Profile, Where
from engine.profile.names import is_hub_id, is_model_path
from engine.record.manifest import Manifest, read_manifest
from engine.record.trials import StageRecord, TrialRecord
from engine.runs import manifest

CARD = "README.md"

_SOFTWARE = ("torch", "transformers", "safetensors", "numpy", "numba", "bitsandbytes", "peft")


def card(
    run: Path,
    profile: Profile,
    record: TrialRecord,
    undamaged: TrialRecord | None,
    *,
    adapters: int,
    touched: int,
    notes: list[str],
) -> str:
    """The card as Markdown. `undamaged`: the baseline's record; `adapters`: how many folders of them lie beside the
    model; `touched`: how many weights the damage changed; `notes`: what may keep the model from being the trial's to
    the last bit."""
    parts = [
        _front(record),
        f"# {escaped(_name(record.model))}, damaged",
        "This model was damaged on purpose, to study what fails, by Lesion (lesion-lab). "
        "It is an instrument, not a product: what it says is wrong by design.",
        "## Damage",
        table(("", ""), _damage(run, record, touched)),
        "## Measured",
        f"Trial {code(record.trial)} of run {code(run.resolve().name)}, before and after the damage:",
        table(("metric", "undamaged", "damaged", "change"), _metrics(record, undamaged), numbers=3),
        "## Loading",
        _loading(profile, adapters),
        "## Made with",
        _made_with(run, record),
        *(f"- {escaped(note, longest=600)}" for note in notes),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _front(record: TrialRecord) -> str:
    base = [f"base_model: {record.model}"] if is_hub_id(record.model) else []
    return "\n".join(["---", "library_name: transformers", *base, "tags:", "- lesion", "- damaged", "---"])


def _name(model: str) -> str:
    """Of a folder or file the last part: where it lay says nothing to others."""
    return Path(model).name if is_model_path(model) else model


def _damage(run: Path, record: TrialRecord, touched: int) -> list[tuple[str, str]]:
    facts = read_manifest(run).get("models", {}).get(record.model, {})
    rows = [("model", code(_name(record.model)))]
    rows += [("revision", code(facts["revision"]))] if facts.get("revision") else []
    rows += [("sha256 of its undamaged weights", code(facts["digest"]))] if facts.get("digest") else []
    rows += [("dtype", code(facts["dtype"]))] if facts.get("dtype") else []
    for stage in record.before or ():
        rows.append(("first", _stage(stage)))
    rows.append(("damage", _dose(record.method, record.level)))
    if record.group:
        rows.append(("weights", code(replace(Where.of(record), before="", then="").label)))
    for stage in record.then or ():
        rows.append(("then", _stage(stage)))
    several = ", each as often as it was changed" if record.before or record.then else ""
    of = f" of {record.parameters:,}" if record.parameters else ""
    return [*rows, ("seed", str(record.seed)), ("weights changed", f"{touched:,}{of}{several}")]


def _stage(stage: StageRecord) -> str:
    where = Where.narrowed(
        stage.group, stage.layers, stage.heads, stage.experts, select=stage.select, options=stage.options
    )
    return f"{_dose(stage.method, stage.level)}, on {code(where.label)}"


def _dose(method: str, level: float | None) -> str:
    info = catalog.method(method)
    dose = f", {escaped(info.level.symbol)} = {level:g}" if info.level and level is not None else ""
    return f"{code(method)}{dose} ({escaped(info.summary)})"


def _metrics(record: TrialRecord, undamaged: TrialRecord | None) -> list[tuple[str, ...]]:
    before = undamaged.metrics if undamaged and not record.baseline else {}
    changes = record.change_pct or {}
    return [
        (_metric(name), _number(before.get(name)), _number(value), _percent(changes.get(name)))
        for name, value in record.metrics.items()
    ]


def _metric(name: str) -> str:
    infos = (info for kind in catalog.measurements().values() for info in kind.metrics)
    unit = next((info.unit for info in infos if info.name == metric_of(name).name), "")
    return f"{code(name)} ({escaped(unit)})" if unit else code(name)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.4g} %"


def _loading(profile: Profile, adapters: int) -> str:
    tail = _codes(profile)
    if not adapters:
        return f"{_python(_MODEL.format(place='FOLDER'))}\n\n{_SAME}{tail}"
    names = ["adapter", *(f"adapter-{number}" for number in range(2, adapters + 1))]
    lines = [_MODEL.format(place="FOLDER/base"), _FIRST_ADAPTER]
    lines += [f'model.load_adapter("FOLDER/{name}", "{name}", autocast_adapter_dtype=False)' for name in names[1:]]
    if adapters > 1:
        lines.append(f"model.base_model.set_adapter({['default', *names[1:]]!r})")
    text = (
        "The attack trained adapters, which are not merged into the weights: merged, numbers round otherwise and the "
        f"logits are not the trial's. So the model without them is in `base/`, and they are in `{names[0]}/`"
        + (f" to `{names[-1]}/`" if adapters > 1 else "")
        + ", as peft reads them. "
        + _SAME
    )
    return f"{_python(*lines)}\n\n{text}{tail}"


def _codes(profile: Profile) -> str:
    if profile.model.load_in != "4bit":
        return ""
    return (
        " Some processors with AVX-512 rewrite 4-bit codes at the first pass and then compute other numbers; to keep "
        "them, set `support_avx512bf16_for_cpu = False` on every `Linear4bit` before it."
    )


def _python(*lines: str) -> str:
    imports = ["from transformers import AutoModelForCausalLM, AutoTokenizer"]
    imports += ["from peft import PeftModel"] if any("PeftModel" in line for line in lines) else []
    return "\n".join(["```python", *imports, "", *lines, "```"])


_MODEL = """tokenizer = AutoTokenizer.from_pretrained("{place}")
model = AutoModelForCausalLM.from_pretrained("{place}", dtype="auto")"""
_FIRST_ADAPTER = 'model = PeftModel.from_pretrained(model, "FOLDER/adapter", autocast_adapter_dtype=False)'
_SAME = (
    "Loaded like this, with the software below, it has the weights and computes the logits of the trial, bit for bit; "
    "that was tried when it was written."
)


def _made_with(run: Path, record: TrialRecord) -> str:
    then, here = read_manifest(run), manifest.surroundings()
    noted = then.get("packages", {})
    rows = [("lesion", str(then.get("lesion", "")), here["lesion"])]
    rows += [
        (name, str(noted.get(name) or ""), str(here["packages"].get(name) or ""))
        for name in _SOFTWARE
        if noted.get(name) or here["packages"].get(name)
    ]
    rows += [(escaped(name), str(value), str(here["additions"].get(name, ""))) for name, value in _additions(then)]
    rows.append(("random draws, version", str(then.get("draw_version", "")), str(catalog.DRAW_VERSION)))
    rows.append(("device", escaped(record.device or ""), ""))
    return table(("", "the trial", "this folder"), [tuple(map(escaped, row)) for row in rows])


def _additions(then: Manifest) -> list[tuple[str, str]]:
    return sorted(then.get("additions", {}).items())
