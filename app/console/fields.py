"""The fields of the form, section by section, for a draft: which there are follows from what was chosen so far."""

from collections.abc import Callable
from dataclasses import replace

from pydantic import BaseModel

from app.console.damage_fields import damage_section
from app.console.derived import derived_fields
from app.console.draft import Draft
from app.console.field import Field, Section, choices, flag_choices
from app.console.fieldtext import show
from app.console.widgets.pick import Choice
from app.safe import line
from engine import catalog
from engine.profile import ModelSpec, Profile, RunSpec, Seeds
from engine.profile.measures import tables

_CODES = ("model.quant_type", "model.double_quant")


def sections(draft: Draft) -> list[Section]:
    """Every section that the draft calls for."""
    damages = [damage_section(draft, i) for i in range(len(draft.tables("damage")))]
    measures = [_measure(draft, i) for i in range(len(draft.tables("measure")))]
    about, models, seeds, run = (_completed(*each) for each in _FIXED)
    return [about, _suited(models, draft), *damages, seeds, *measures, run]


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


def _chat() -> tuple[Choice, ...]:
    return (("auto", "when the model has a chat template"), ("yes", "always"), ("no", "never"))


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


def _prompts() -> tuple[Choice, ...]:
    return (("auto", "the set that suits the models"), *choices(catalog.prompt_sets()))


def _tasks() -> tuple[Choice, ...]:
    return (("auto", "the task that suits the models"), *choices(catalog.tasks()))


def _pictures() -> tuple[Choice, ...]:
    return choices(catalog.pictures())


def _trials() -> tuple[Choice, ...]:
    return (("baseline", "of the undamaged model alone"), ("all", "of every trial"))


def _scopes() -> tuple[Choice, ...]:
    return (
        ("global", "of the whole group"),
        ("per_layer", "of each layer by itself"),
        ("per_tensor", "of each parameter by itself"),
    )


def _texts() -> tuple[Choice, ...]:
    return (("auto", "the text that suits the models"), *choices(catalog.texts()))


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

_SEEDS = Section(
    "Seeds",
    (
        Field("seeds.count", "count", "whole", "How often each damage that draws random numbers is repeated.", "1"),
        Field("seeds.base", "base", "whole", "The first seed; the others follow it one by one.", "42"),
        Field("seeds.offset", "offset", "whole", "Added to every seed: another offset, other draws.", "0"),
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


_FIXED: tuple[tuple[Section, type[BaseModel], str], ...] = (
    (_ABOUT, Profile, ""),
    (_MODELS, ModelSpec, "model"),
    (_SEEDS, Seeds, "seeds"),
    (_RUN, RunSpec, "run"),
)


def _measure(draft: Draft, index: int) -> Section:
    at = f"measure.{index}"
    name = show("text", draft.get(f"{at}.name"))
    known = catalog.measurements().get(name)
    summary = f"{name}: {known.summary}." if known else "What is observed; Enter lists the measurements."
    what = Field(f"{at}.name", "measurement", "text", summary, choices=lambda: choices(catalog.measurements()))
    options = _OPTIONS[name](at) if name in _OPTIONS else ()
    label = Field(
        f"{at}.label", "label", "text", "Put before the metrics' names, to tell two measurements apart.", "none"
    )
    fields = (what, *options, *_further(at, name, (what, *options, label)), label)
    title = f"Measurement {index + 1}" + (f": {line(name)}" if name else "")
    return Section(title, fields, "measure", index)


def _further(at: str, name: str, known: tuple[Field, ...]) -> tuple[Field, ...]:
    """The other keys of a measurement's table: all but the label of one that a package adds."""
    table = next((table for table in tables() if table.model_fields["name"].default == name), None)
    found = derived_fields(table, at, {field.key for field in known}) if table else ()
    prompts, text = f"{at}.prompts", f"{at}.text"
    found = tuple(
        replace(field, kind="prompts", choices=_prompts) if field.key == prompts else field for field in found
    )
    return tuple(replace(field, choices=_texts) if field.key == text else field for field in found)


def _perplexity(at: str) -> tuple[Field, ...]:
    return (
        Field(f"{at}.text", "text", "text", "What is predicted: a bundled text, or a .txt file.", "auto", _texts),
        Field(f"{at}.documents", "documents", "whole", "Only so many documents of the text.", "all of them"),
        Field(f"{at}.context", "context", "whole", "Tokens in a window.", "the model's"),
        Field(f"{at}.stride", "stride", "whole", "Tokens from one window to the next.", "half the context"),
        Field(
            f"{at}.batch_size", "batch size", "whole", "Windows at once; halved by itself when memory runs out.", "16"
        ),
    )


def _asked(at: str) -> tuple[Field, ...]:
    prompts = "A bundled set, a file with one prompt a line, or prompts with | between."
    return (
        Field(f"{at}.prompts", "prompts", "prompts", prompts, "auto", _prompts),
        Field(f"{at}.limit", "limit", "whole", "Only so many of the prompts.", "all of them"),
    )


def _batch(at: str, what: str) -> Field:
    return Field(f"{at}.batch_size", "batch size", "whole", f"{what} at once; halved when memory runs out.", "16")


def _prompted(at: str) -> tuple[Field, ...]:
    return (*_asked(at), _batch(at, "Prompts"))


def _spectrum(at: str) -> tuple[Field, ...]:
    return (
        Field(f"{at}.text", "text", "text", "What is read: a bundled text, or a .txt file.", "auto", _texts),
        Field(f"{at}.documents", "documents", "whole", "Only so many documents of the text.", "all of them"),
        Field(f"{at}.layers", "layers", "layers", "Which layers: 0-5, last 4, or a list as 1, 3.", "the middle one"),
        _batch(at, "Documents"),
    )


def _task(at: str) -> tuple[Field, ...]:
    return (
        Field(f"{at}.task", "task", "text", "A bundled task, or a .jsonl file of questions.", "auto", _tasks),
        Field(f"{at}.limit", "limit", "whole", "Only so many of the questions.", "all of them"),
        _batch(at, "Answers"),
    )


def _scored(at: str) -> tuple[Field, ...]:
    return (
        Field(f"{at}.text", "text", "text", "What is read: a bundled text, or a .txt file.", "auto", _texts),
        Field(f"{at}.documents", "documents", "whole", "Only so many documents of the text.", "8"),
        Field(f"{at}.context", "context", "whole", "Tokens in a window, where the model reads as many.", "256"),
        Field(f"{at}.trials", "trials", "text", "Of which trials: baseline or all.", "baseline", _trials),
        Field(f"{at}.batch_size", "batch size", "whole", "Windows at once; halved when memory runs out.", "8"),
    )


def _ranking(at: str) -> tuple[Field, ...]:
    return (
        Field(
            f"{at}.scores",
            "scores",
            "names",
            "What weights are ranked by, names with commas between.",
            "grad_x_weight",
            lambda: choices(catalog.scores()),
        ),
        Field(
            f"{at}.group", "group", "text", "Among which parameters.", "all", choices=lambda: choices(catalog.groups())
        ),
        Field(f"{at}.layers", "layers", "layers", "Which layers: 0-5, last 4, or a list as 1, 3.", "all layers"),
        Field(f"{at}.k", "k", "layers", "How many of the best, or several numbers as 10, 100.", "10, 100"),
        Field(f"{at}.scope", "scope", "text", "Of what k is: global, per_layer or per_tensor.", "global", _scopes),
        Field(f"{at}.samples", "samples", "whole", "Parts of the text ranked by themselves, to compare.", "2"),
        Field(f"{at}.seeds", "seeds", "whole", "Repetitions of a score that draws (hutchinson), to compare.", "1"),
        Field(f"{at}.probes", "probes", "whole", "Random vectors of hutchinson.", "8"),
        *_scored(at),
    )


def _super_weights(at: str) -> tuple[Field, ...]:
    return (
        Field(f"{at}.prompt", "prompt", "text", "What is read to see spikes.", "the first document"),
        Field(f"{at}.times", "times", "number", "A spike is so many times the median of all layers.", "10"),
        Field(f"{at}.share", "share", "number", "Of a spike at least this comes from the one weight.", "0.5"),
        Field(f"{at}.most", "most", "whole", "How many are zeroed to see what they do.", "4"),
        *_scored(at),
    )


def _lm_eval(at: str) -> tuple[Field, ...]:
    own = "A folder with task files (.yaml) of your own."
    return (
        Field(f"{at}.tasks", "tasks", "names", "Names of tasks of lm-evaluation-harness, commas between."),
        Field(f"{at}.include_path", "task folder", "text", own, "none"),
        Field(f"{at}.num_fewshot", "examples", "whole", "Examples before each question.", "the task's"),
        Field(f"{at}.limit", "limit", "whole", "Only so many questions of each task.", "all of them"),
        Field(f"{at}.chat", "chat", "flag", "Whether questions go through the chat template.", "no", flag_choices),
        _batch(at, "Requests"),
    )


def _generation(at: str) -> tuple[Field, ...]:
    return (
        *_asked(at),
        Field(f"{at}.image", "image", "text", "A picture the prompts are about; image-text models.", "none", _pictures),
        Field(f"{at}.max_new_tokens", "new tokens", "whole", "The longest text, in tokens.", "64"),
        Field(
            f"{at}.sample",
            "sample",
            "flag",
            "Yes draws each token; no always takes the likeliest.",
            "yes",
            flag_choices,
        ),
        Field(f"{at}.temperature", "temperature", "number", "Above 1 bolder, below 1 safer.", "1"),
        Field(f"{at}.batch_size", "batch size", "whole", "Texts at once; halved by itself when memory runs out.", "40"),
        Field(f"{at}.chat", "chat", "flag", "Whether prompts go through the model's chat template.", "auto", _chat),
    )


_OPTIONS: dict[str, Callable[[str], tuple[Field, ...]]] = {
    "perplexity": _perplexity,
    "generation": _generation,
    "gains": _prompted,
    "residual_gain": _prompted,
    "spectrum": _spectrum,
    "tasks": _task,
    "lm_eval": _lm_eval,
    "ranking": _ranking,
    "super_weights": _super_weights,
}
"""The fields of each measurement's own options."""
