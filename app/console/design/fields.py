"""The fields of the form, section by section, for a draft: which there are follows from what was chosen so far."""

from dataclasses import replace

from pydantic import BaseModel

from app.console.design.damage_fields import damage_section
from app.console.design.derived import derived_fields
from app.console.design.draft import Draft
from app.console.design.field import Field, Section, choices, flag_choices
from app.console.design.fieldtext import show
from app.console.shared.pick import Choice
from app.safe import line
from engine import catalog
from engine.profile import Analysis, ModelSpec, Profile, RunSpec, Seeds

_CODES = ("model.quant_type", "model.double_quant")


def sections(draft: Draft) -> list[Section]:
    """Every section that the draft calls for."""
    damages = [damage_section(draft, i) for i in range(len(draft.tables("damage")))]
    measures = [_measure(draft, i) for i in range(len(draft.tables("measure")))]
    about, models, seeds, run, analysis = (_completed(*each) for each in _FIXED)
    return [about, _suited(models, draft), *damages, seeds, *measures, run, analysis]


def _suited(models: Section, draft: Draft) -> Section:
    """Without the fields of 4-bit codes where there are none, and where none of them is set."""
    packed = draft.get("model.load_in") == "4bit"
    fields = [one for one in models.fields if packed or one.key not in _CODES or draft.get(one.key) is not None]
    return replace(models, fields=tuple(fields))


def _completed(section: Section, table: type[BaseModel], at: str) -> Section:
    """The section with a field, too, for each key of its table that has none here."""
    more = derived_fields(table, at, {field.key for field in section.fields})
    return replace(section, fields=section.fields + more)


def _models() -> tuple[Choice, ...]:
    bundled = ((name, f"{info.parameters:,} weights, {info.summary}") for name, info in catalog.models().items())
    return (*bundled, *((f"{name}:*", info.summary) for name, info in catalog.families().items()))


def _dtypes() -> tuple[Choice, ...]:
    return (
        ("auto", "as the model was saved"),
        ("float32", "4 bytes a weight"),
        ("bfloat16", "2 bytes a weight, the range of float32"),
        ("float16", "2 bytes a weight, a narrow range"),
    )


def _packings() -> tuple[Choice, ...]:
    return (
        ("none", "numbers, as dtype says"),
        ("8bit", "codes of 8 bits, one scale a row"),
        ("4bit", "codes of 4 bits, one scale for 64 weights"),
    )


def _devices() -> tuple[Choice, ...]:
    return (("auto", "a GPU where there is one, else the CPU"), ("cpu", "the CPU"), ("cuda", "the first GPU"))


_ABOUT = Section(
    "About",
    (
        Field("name", "name", "text", "What the experiment is called; runs are named after it."),
        Field("description", "description", "text", "One line on what it asks, for the list of profiles.", "none"),
    ),
)

_MODELS = Section(
    "Models",
    (
        Field(
            "model.names",
            "models",
            "names",
            "Names with commas between: bundled petri models, the Hub's, families as pythia:*, or folders.",
            choices=_models,
        ),
        Field("model.fit", "fit", "flag", "Yes leaves out the models that do not fit into memory.", "no", flag_choices),
        Field("model.dtype", "dtype", "text", "How weights are held while they are damaged.", "auto", _dtypes),
        Field(
            "model.load_in",
            "load in",
            "text",
            "Linear layers in codes of bitsandbytes: damaged as the numbers they mean, stored as codes again.",
            "none",
            _packings,
        ),
        Field("model.device", "device", "text", "Where trials run: auto, cpu, cuda or cuda:1.", "auto", _devices),
        Field("model.revision", "revision", "text", "A branch, tag or commit of a model on the Hub.", "newest"),
    ),
)

_UNTIL = 'More, until a mean is known: { metric = "nll", half_width = "10%", at_most = 40 }.'

_SEEDS = Section(
    "Seeds",
    (
        Field("seeds.count", "count", "whole", "How often each damage that draws random numbers is repeated.", "1"),
        Field("seeds.base", "base", "whole", "The first seed; the others follow it one by one.", "42"),
        Field("seeds.offset", "offset", "whole", "Added to every seed: another offset, other draws.", "0"),
        Field("seeds.until", "until", "toml", _UNTIL, "count is all"),
    ),
)

_RUN = Section(
    "Run",
    (
        Field("run.threads", "threads", "whole", "CPU threads of one worker.", "every core"),
        Field(
            "run.reuse",
            "reuse",
            "flag",
            "Start at the first damaged layer: the same result, sooner.",
            "yes",
            flag_choices,
        ),
        Field("run.attempts", "attempts", "whole", "Workers lost on one trial before it counts as failed.", "2"),
    ),
)

_ANALYSIS = Section("Analysis", ())  # all of its fields follow from the table


_FIXED: tuple[tuple[Section, type[BaseModel], str], ...] = (
    (_ABOUT, Profile, ""),
    (_MODELS, ModelSpec, "model"),
    (_SEEDS, Seeds, "seeds"),
    (_RUN, RunSpec, "run"),
    (_ANALYSIS, Analysis, "analysis"),
)


def _made() -> dict[str, catalog.MeasurementInfo]:
    """The measurements that a profile can ask for."""
    return {name: info for name, info in catalog.measurements().items() if name != "imported"}


def _measure(draft: Draft, index: int) -> Section:
    at = f"measure.{index}"
    name = show("text", draft.get(f"{at}.name"))
    known = catalog.measurements().get(name)
    summary = f"{name}: {known.summary}." if known else "What is observed; Enter lists the measurements."
    what = Field(f"{at}.name", "measurement", "text", summary, choices=lambda: choices(_made()))
    label = Field(
        f"{at}.label", "label", "text", "Put before the metrics' names, to tell two measurements apart.", "none"
    )
    options = derived_fields(catalog.load(known.table), at, {what.key, label.key}) if known else ()
    fields = (what, *options, label)
    title = f"Measurement {index + 1}" + (f": {line(name)}" if name else "")
    return Section(title, fields, "measure", index)
