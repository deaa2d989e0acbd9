"""The card of a run as Markdown: a paragraph on methods, and a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.analysis.card import Card, Finding
from engine.analysis.statistics.summary import SMALL, Summary
from engine.markdown import code, escaped, table

_FEW_LEVELS = 8
_LONGEST = 1000
"""Characters of a group's label."""


def markdown(card: Card) -> str:
    """The whole card. A row of its table is all seeds of one model, method, group and level: mean ± standard deviation
    of n values, the 95 % bootstrap interval of the mean, and the mean change from the undamaged model."""
    head = ("model", "method", "group", "level", "metric", "n", "mean ± sd", "95 % interval", "change")
    rows = [_row(finding) for finding in card.findings]
    return "\n\n".join(("## Methods", paragraph(card), "## Results", table(head, rows, numbers=4))) + "\n"


def paragraph(card: Card) -> str:
    """How the run was made, in sentences."""
    return " ".join(_sentences(card))


def _sentences(card: Card) -> Iterator[str]:
    facts = card.facts
    if facts["imported"]:
        yield from _imported(card)
        return
    yield _models(facts)
    told: set[str] = set()
    for damage in facts["damage"]:
        yield _damage(damage, known=damage["method"] in told)
        told.add(damage["method"])
    yield _seeds(facts)
    yield _measurements(facts["measurements"])
    yield _trials(facts["trials"], card.findings)
    yield _made_with(card)


def _imported(card: Card) -> Iterator[str]:
    """Of a run that another program made: what Lesion knows of it."""
    facts, source = card.facts, card.facts["imported"]
    models = _listed([code(one["name"]) for one in facts["models"]])
    files = f"{source['files']} file{'' if source['files'] == 1 else 's'}"
    yield f"Lesion imported these results of another program from {files}: {code(source['format'])}."
    yield f"They are of {models}; how they were made is told elsewhere."
    for metric, meaning in source["metrics"].items():
        yield f"{code(metric)}: {escaped(meaning)}."
    yield f"{facts['trials']['finished']:,} trials; run {code(card.run)}, sha256 of the files {code(source['digest'])}."


def _models(facts: Mapping[str, Any]) -> str:
    models, codes = facts["models"], f", with the weights of linear layers stored in {facts['load_in']} codes"
    stored = "" if facts["load_in"] == "none" else codes
    listed = _listed([f"{code(one['name'])} ({_about_model(one)})" for one in models])
    count = "one language model" if len(models) == 1 else f"{len(models)} language models"
    return f"We damaged {count}{stored}: {listed}."


def _about_model(model: Mapping[str, Any]) -> str:
    told = [model["parameters"] and f"{model['parameters']:,} parameters", model["dtype"]]
    known = {"revision": model["revision"], "sha256 of the weights": model["digest"]}
    told += [f"{words} {value[:12]}" for words, value in known.items() if value]
    return ", ".join(escaped(one) for one in told if one)


def _damage(damage: Mapping[str, Any], *, known: bool) -> str:
    """`known`: what the method does has been said."""
    symbol, levels = escaped(damage["symbol"]), damage["levels"]
    dose = f"at {symbol} = {_listed([f'{level:g}' for level in levels])}"
    if sought := damage["sought"]:
        crossing = f"{code(sought['find'])} crosses {escaped(sought['crosses'])}, to within {sought['within']:g}"
        dose = f"at levels of {symbol} that bisect where {crossing}"
    elif len(levels) > _FEW_LEVELS:
        dose = f"at {len(levels)} levels of {symbol} from {min(levels):g} to {max(levels):g}"
    narrowed = "; ".join(_narrowed(damage))
    where = _listed([code(group) for group in damage["groups"]]) + (f" ({narrowed})" if narrowed else "")
    what = "" if known else f" ({escaped(damage['summary'])})"
    return f"{code(damage['method'])}{what} was done to {where} {dose}."


def _narrowed(damage: Mapping[str, Any]) -> Iterator[str]:
    for key in ("layers", "heads", "experts"):
        if damage[key]:
            yield f"{key} {escaped(damage[key])}"
    if damage["each_layer"]:
        yield f"each of the layers {escaped(damage['each_layer'])} by itself"
    if damage["select"]:
        yield f"only the weights {_listed(list(map(code, damage['select'])))}"
    for name, value in damage["options"].items():
        yield code(f"{name} = {value}")
    for word, key in (("after", "before"), ("then", "then")):
        if damage[key]:
            yield f"{word} {code(damage[key], longest=_LONGEST)}"


def _seeds(facts: Mapping[str, Any]) -> str:
    seeds = facts["seeds"]
    often = f"with {len(seeds)} seeds, {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"once, with seed {seeds[0]}"
    told = f"Each combination was run {often}." if facts["until"] is None else _until(seeds, facts["until"])
    if any(one["draws"] for one in facts["damage"]):
        told += " What a weight draws depends on the seed and on which weight it is, so a seed's levels share draws."
    return told


def _until(seeds: Sequence[int], until: Mapping[str, Any]) -> str:
    """The rule by which seeds were added, and what it does to intervals: the shares are those of tests/profile/
    test_until.py, of normal values."""
    width = escaped(until["half_width"])
    rule = f"the 95 % t interval of the mean of {code(until['metric'])} reached at most {width} to either"
    ends = f"{rule} side, or there were {until['at_most']}; in {until['narrow']} of {until['ended']} it did"
    goes_on = f", and {until['cells'] - until['ended']} go on" if until["ended"] < until["cells"] else ""
    return (
        f"Each combination was run with {len(seeds)} seeds, from {seeds[0]} on, and others were added until "
        f"{ends}{goes_on}. An interval at which one stops because it is narrow holds the mean less often than it says: "
        "of normal values 89 % of the time where two seeds are the fewest, 92 % with five, 94 % with ten."
    )


def _measurements(measurements: Sequence[Mapping[str, Any]]) -> str:
    told = []
    for one in measurements:
        options = [f"{name} {value}" for name, value in one.items() if name != "name"]
        told.append(f"{code(one['name'])}" + (f" ({escaped(', '.join(options))})" if options else ""))
    return f"We measured {_listed(told)}; changes are in percent of the undamaged model's value."


def _trials(trials: Mapping[str, int], findings: Sequence[Finding]) -> str:
    words = {"failed": "failed", "oom": "ran out of memory"}
    ends = [f"{trials[key]:,} {word}" for key, word in words.items() if trials[key]]
    of = "" if trials["finished"] >= trials["planned"] else f" of {trials['planned']:,} planned"
    told = f"{trials['finished']:,}{of} trials were run, undamaged ones among them"
    told += f"; {_listed(ends)}." if ends else ", and all gave a result."
    if nonfinite := sum(finding.value.nonfinite for finding in findings):
        told += f" {nonfinite:,} of the values below are not finite, and no mean holds them."
    if any(1 < finding.value.n < SMALL and finding.value.sd for finding in findings):
        told += f" Intervals of fewer than {SMALL} values are too narrow as a rule."
    return told


def _made_with(card: Card) -> str:
    facts = card.facts
    software = [f"{name} {version}" for name, version in {**facts["software"], **facts["additions"]}.items() if version]
    host = [escaped(one) for one in (*facts["devices"], facts["processor"]) if one]
    threads = f", {facts['threads']} thread{'' if facts['threads'] == 1 else 's'}" if facts["threads"] else ""
    where = f", on {_listed(host)}{threads}" if host else ""
    draws = f", random draws of version {facts['draw_version']}" if facts["draw_version"] else ""
    resumed = " It was gone on with on other software or another host." if facts["resumed"] else ""
    begun = f", begun {escaped(facts['created'][:10])}" if facts["created"] else ""
    return f"Made with {escaped(_listed(software))}{where}{draws}; run {code(card.run)}{begun}.{resumed}"


def _row(finding: Finding) -> tuple[str, ...]:
    value, missing = finding.value, f" ({finding.missing} missing)" if finding.missing else ""
    count = f"{value.n}{f' + {value.nonfinite} not finite' if value.nonfinite else ''}{missing}"
    return (
        code(finding.model),
        code(finding.method),
        code(finding.group, longest=_LONGEST) if finding.group else "",
        "" if finding.level is None else f"{finding.level:g}",
        code(finding.metric),
        count,
        _mean(value),
        "" if value.n < 2 or value.low != value.low else f"{_figure(value.low)} to {_figure(value.high)}",
        "" if finding.change is None else f"{finding.change.mean:+.3g} %",
    )


def _mean(value: Summary) -> str:
    if not value.n:
        return "–"
    return _figure(value.mean) + (f" ± {_figure(value.sd)}" if value.n > 1 else "")


def _figure(value: float) -> str:
    """Four significant digits; powers of ten only where a number is long without them."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:.2e}"


def _listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1] if words else ""]))
