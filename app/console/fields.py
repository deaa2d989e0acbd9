"""The fields of the form, section by section, for a draft: which there are follows from what was chosen so far."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from app.console.draft import Draft
from app.console.fieldtext import Kind, show
from app.console.text import line
from app.console.widgets.pick import Choice
from engine import catalog
from engine.profile.measures import tables


@dataclass(frozen=True)
class Field:
    """One line of the form."""

    key: str
    """The dotted key of the profile that it edits."""
    label: str
    kind: Kind
    hint: str
    """What it means and what is accepted; shown while the field has the focus."""
    default: str = ""
    """What holds while it is empty."""
    choices: Callable[[], tuple[Choice, ...]] | None = None
    """What Enter offers."""

    @property
    def many(self) -> bool:
        """Whether several of the choices may be taken."""
        return self.kind == "names"


@dataclass(frozen=True)
class Section:
    """Fields under one heading. `kind` and `index` are those of a damage or a measurement, which can be removed."""

    title: str
    fields: tuple[Field, ...]
    kind: str = ""
    index: int = 0


def sections(draft: Draft) -> list[Section]:
    """Every section that the draft calls for."""
    damages = [_damage(draft, i) for i in range(len(draft.tables("damage")))]
    measures = [_measure(draft, i) for i in range(len(draft.tables("measure")))]
    return [_ABOUT, _MODELS, *damages, _SEEDS, *measures, _RUN]


def choices(infos: Mapping[str, Any]) -> tuple[Choice, ...]:
    """The entries of a catalog as choices."""
    return tuple((name, info.summary) for name, info in infos.items())


def _models() -> tuple[Choice, ...]:
    bundled = ((name, f"{info.parameters:,} weights, {info.summary}") for name, info in catalog.models().items())
    return (*bundled, *((f"{name}:*", info.summary) for name, info in catalog.families().items()))


def _flag() -> tuple[Choice, ...]:
    return (("yes", ""), ("no", ""))


def _chat() -> tuple[Choice, ...]:
    return (("auto", "when the model has a chat template"), ("yes", "always"), ("no", "never"))


def _dtypes() -> tuple[Choice, ...]:
    return (
        ("auto", "as the model was saved"),
        ("float32", "4 bytes a weight"),
        ("bfloat16", "2 bytes a weight, the range of float32"),
        ("float16", "2 bytes a weight, a narrow range"),
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
        Field("model.fit", "fit", "flag", "Yes leaves out the models that do not fit into memory.", "no", _flag),
        Field("model.dtype", "dtype", "text", "How weights are held while they are damaged.", "auto", _dtypes),
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
        Field("run.reuse", "reuse", "flag", "Start at the first damaged layer: the same result, sooner.", "yes", _flag),
        Field("run.attempts", "attempts", "whole", "Workers lost on one trial before it counts as failed.", "2"),
    ),
)


def _damage(draft: Draft, index: int) -> Section:
    at = f"damage.{index}"
    name = show("text", draft.get(f"{at}.method"))
    method = catalog.methods().get(name)
    summary = f"{name}: {method.summary}." if method else "How weights are damaged; Enter lists the ways."
    fields = [Field(f"{at}.method", "method", "text", summary, choices=lambda: choices(catalog.methods()))]
    if name != "none":
        fields += [
            Field(
                f"{at}.groups",
                "groups",
                "names",
                "Which parameters, names with commas between. Each group is damaged in trials of its own.",
                choices=lambda: choices(catalog.groups()),
            ),
            Field(f"{at}.levels", "levels", "levels", _level_hint(method)),
            Field(f"{at}.layers", "layers", "layers", "Which layers: 0-5, last 4, or a list as 1, 3.", "all layers"),
            Field(f"{at}.each_layer", "each layer", "layers", "Each of these by itself, a trial each: 0-8.", "no scan"),
            Field(f"{at}.heads", "heads", "layers", "Which attention heads, written like layers.", "all heads"),
            Field(f"{at}.experts", "experts", "layers", "Which experts of a mixture, written like layers.", "all"),
        ]
    return Section(f"Damage {index + 1}" + (f": {line(name)}" if name else ""), tuple(fields), "damage", index)


def _level_hint(method: catalog.MethodInfo | None) -> str:
    how = "A list as 0, 0.1, 0.5 or a range as 0 to 1 in 5 steps."
    if method is None or method.level is None:
        return how
    level = method.level
    return f"{level.symbol}, {level.meaning}: {level.bounds}. {how}"


def _measure(draft: Draft, index: int) -> Section:
    at = f"measure.{index}"
    name = show("text", draft.get(f"{at}.name"))
    known = catalog.measurements().get(name)
    summary = f"{name}: {known.summary}." if known else "What is observed; Enter lists the measurements."
    what = Field(f"{at}.name", "measurement", "text", summary, choices=lambda: choices(catalog.measurements()))
    options = _OPTIONS[name](at) if name in _OPTIONS else _described(at, name)
    label = Field(
        f"{at}.label", "label", "text", "Put before the metrics' names, to tell two measurements apart.", "none"
    )
    title = f"Measurement {index + 1}" + (f": {line(name)}" if name else "")
    return Section(title, (what, *options, label), "measure", index)


def _described(at: str, name: str) -> tuple[Field, ...]:
    """The options of a measurement without fields of its own, such as one that a package adds, by its table."""
    found = (table.model_fields for table in tables() if table.model_fields["name"].default == name)
    options = next(found, {})
    return tuple(_option(at, key, info) for key, info in options.items() if key not in ("name", "label"))


def _option(at: str, key: str, info: FieldInfo) -> Field:
    offered = {"prompts": _prompts, "text": _texts}.get(key)
    kind = _kind(key, set(_types(info.annotation)))
    default = "" if info.is_required() else show(kind, info.default) or "none"
    return Field(f"{at}.{key}", key.replace("_", " "), kind, info.description or key, default, offered)


def _kind(key: str, types: set[Any]) -> Kind:
    """How an option of these types is typed in."""
    if key == "prompts":
        return "prompts"
    if tuple in types:
        return "layers" if int in types else "names"
    if bool in types:
        return "flag"
    return "whole" if int in types else "number" if float in types else "text"


def _types(annotation: Any) -> Iterator[Any]:
    """What an annotation is made of."""
    yield get_origin(annotation) or annotation
    for part in get_args(annotation):
        yield from _types(part)


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
        Field(f"{at}.chat", "chat", "flag", "Whether questions go through the chat template.", "no", _flag),
        _batch(at, "Requests"),
    )


def _generation(at: str) -> tuple[Field, ...]:
    return (
        *_asked(at),
        Field(f"{at}.image", "image", "text", "A picture the prompts are about; image-text models.", "none", _pictures),
        Field(f"{at}.max_new_tokens", "new tokens", "whole", "The longest text, in tokens.", "64"),
        Field(f"{at}.sample", "sample", "flag", "Yes draws each token; no always takes the likeliest.", "yes", _flag),
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
