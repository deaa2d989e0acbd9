"""The fields of a [[damage]]: what it is, where, how strong, the method's own options, and which weights it touches."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from pydantic.fields import FieldInfo

from app.console.design.derived import derived, derived_fields
from app.console.design.draft import Draft
from app.console.design.field import Field, Section, choices
from app.console.design.fieldtext import show
from app.console.shared.pick import Choice
from app.safe import line
from engine import catalog
from engine.catalog import MethodInfo
from engine.profile import Damage, Select, keys_with
from engine.profile.options import table_of

_DECIDING = ("method", "select.by", "select.score")
"""The keys of a damage on which it depends which others mean something."""

_CHAIN = 'What is done {}: [{{ method = "heal", groups = ["all"], levels = [20] }}, …].'

_CHOSEN = {
    "all": "every weight of the group",
    "random": "some of them, drawn by each seed",
    "top_k": "those with the largest score",
    "bottom_k": "those with the smallest score",
    "coordinates": "those named one by one",
}
_SCOPES = {
    "global": "k or fraction of the whole group",
    "per_layer": "k or fraction of each layer",
    "per_tensor": "k or fraction of each parameter",
}


def damage_section(draft: Draft, index: int) -> Section:
    """The fields that the damage of this number calls for, and those of keys that it has for no reason."""
    at = f"damage.{index}"
    name = show("text", draft.get(f"{at}.method"))
    called_for = _called_for(draft, at)
    fields = [
        field for field in _every_field(draft, at, called_for) if field.key in called_for or _is_given(draft, field.key)
    ]
    return Section(f"Damage {index + 1}" + (f": {line(name)}" if name else ""), tuple(fields), "damage", index)


def follow(draft: Draft, key: str) -> None:
    """After a change of `key`: where it decided what a damage takes, keys that mean nothing now are set aside, to come
    back when they mean something again. While it is no known name, everything stays."""
    kind, _, rest = key.partition(".")
    index, _, inner = rest.partition(".")
    if kind != "damage" or inner not in _DECIDING or not _is_known(inner, show("text", draft.get(key))):
        return
    at = f"damage.{index}"
    draft.keep_only(at, {dotted.removeprefix(f"{at}.") for dotted in _called_for(draft, at)})


def _is_known(key: str, name: str) -> bool:
    known: dict[str, Collection[str]] = {
        "method": catalog.methods(),
        "select.by": _CHOSEN,
        "select.score": catalog.scores(),
    }
    return name in known[key] or (key != "method" and not name)


def _is_given(draft: Draft, key: str) -> bool:
    return draft.get(key) not in (None, {}, [])


def _called_for(draft: Draft, at: str) -> set[str]:
    """The dotted keys that mean something with the method and the selection chosen so far."""
    name = show("text", draft.get(f"{at}.method"))
    if name == "none":
        return {f"{at}.method"}
    method = catalog.methods().get(name)
    keys = {f"{at}.{key}" for key in Damage.model_fields if key not in ("options", "select")}
    keys |= {f"{at}.options.{option}" for option in _options(method)}
    if method is None or method.elementwise or method.acts_on == "selection":
        by, score = (show("text", draft.get(f"{at}.select.{key}")) for key in ("by", "score"))
        keys |= {f"{at}.select.{key}" for key in keys_with(by, score)}
    return keys


def _every_field(draft: Draft, at: str, called_for: set[str]) -> list[Field]:
    """A field for each key that a damage can have, the options that its table gives included, in the form's order."""
    name = show("text", draft.get(f"{at}.method"))
    method = catalog.methods().get(name)
    fields = _what_and_where(at, name, method)
    fields += derived_fields(Damage, at, {field.key for field in fields} | {f"{at}.options"})
    fields += [_option(at, name, info) for name, info in _options(method).items()]
    options = draft.get(f"{at}.options")
    known = {field.key for field in fields}
    for option in options if isinstance(options, dict) else ():
        if (key := f"{at}.options.{option}") not in known:
            fields.append(Field(key, f"· {option}", "text", f"{name} has no such option: empty it."))
    return fields + [_selection(at, key, f"{at}.select.{key}" in called_for) for key in Select.model_fields]


def _what_and_where(at: str, name: str, method: MethodInfo | None) -> list[Field]:
    summary = f"{name}: {method.summary}." if method else "How weights are damaged; Enter lists the ways."
    groups = "Which parameters, names with commas between. Each group is damaged in trials of its own."
    where = "Which layers: 0-5, last 4, or a list as 1, 3."
    heads = "Which attention heads, written like layers."
    experts = "Which experts of a mixture, written like layers."
    return [
        Field(f"{at}.method", "method", "text", summary, choices=lambda: choices(catalog.methods())),
        Field(f"{at}.groups", "groups", "names", groups, choices=lambda: _groups(method)),
        Field(f"{at}.levels", "levels", "levels", _level_hint(method)),
        Field(f"{at}.layers", "layers", "layers", where, "all layers"),
        Field(f"{at}.each_layer", "each layer", "layers", "Each of these by itself, a trial each: 0-8.", "no scan"),
        Field(f"{at}.heads", "heads", "layers", heads, "all heads"),
        Field(f"{at}.experts", "experts", "layers", experts, "all"),
        Field(f"{at}.before", "before", "toml", _CHAIN.format("first"), "nothing"),
        Field(f"{at}.then", "then", "toml", _CHAIN.format("after it"), "nothing"),
    ]


def _groups(method: MethodInfo | None) -> tuple[Choice, ...]:
    """The groups that the method can be done to."""
    every = choices(catalog.groups())
    return tuple(choice for choice in every if not method or not method.groups or choice[0] in method.groups)


def _level_hint(method: MethodInfo | None) -> str:
    how = "A list as 0, 0.1, 0.5 or a range as 0 to 1 in 5 steps."
    if method is None or method.level is None:
        return how
    level = method.level
    return f"{level.symbol}, {level.meaning}: {level.bounds}. {how}"


def _options(method: MethodInfo | None) -> dict[str, FieldInfo]:
    return table_of(method).model_fields if method else {}


def _option(at: str, name: str, info: FieldInfo) -> Field:
    made = derived(f"{at}.options.{name}", info, f"· {name.replace('_', ' ')}")
    return replace(made, hint=f"Option: {info.description}.")


def _selection(at: str, key: str, called_for: bool) -> Field:
    full = f"{at}.select.{key}"
    info = Select.model_fields[key]
    if key == "by":
        hint = "Which weights are touched: all, random ones, the first by a score, or those at given coordinates."
        return Field(full, "select", "text", hint, "all", lambda: tuple(_CHOSEN.items()))
    hint = f"{info.description}." if called_for else "This changes nothing with the selection above: empty it."
    hint = f"{hint[:1].upper()}{hint[1:]}"
    if key == "coordinates":
        how = "A parameter's name and indices, | between: model.layers.1.mlp.down_proj.weight 3 7 | …"
        return Field(full, "· weights", "weights", how, "none")
    made = derived(full, info, f"· {key.replace('_', ' ')}")
    offered: Callable[[], tuple[Choice, ...]] | None = _OFFERED.get(key, made.choices)
    kind = "counts" if key == "k" else made.kind
    return Field(full, made.label, kind, hint, _DEFAULTS.get(key, made.default), offered)


def _texts() -> tuple[Choice, ...]:
    return (("auto", "the text that suits the models"), *choices(catalog.texts()))


_OFFERED: dict[str, Callable[[], tuple[Choice, ...]]] = {
    "score": lambda: choices(catalog.scores()),
    "scope": lambda: tuple(_SCOPES.items()),
    "text": _texts,
}
_DEFAULTS: dict[str, Any] = {"fraction": "or give k", "k": "or give fraction", "score": "choose one"}
