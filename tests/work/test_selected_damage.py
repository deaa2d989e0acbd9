"""Selections, options and skipping through a real worker: what a trial touches, and that all is put back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.profile import parse, trials

DAMAGE: list[dict[str, Any]] = [
    {"method": "mult_gauss", "levels": [2.0], "select": {"by": "top_k", "k": 30, "score": "grad_x_weight"}},
    {"method": "mult_gauss", "levels": [2.0], "select": {"by": "bottom_k", "k": 30, "score": "grad_x_weight"}},
    {"method": "mult_gauss", "levels": [2.0], "select": {"by": "random", "k": 30}},
    {"method": "uni_quant", "levels": [4], "options": {"per": "channel"}},
    {"method": "bit_flips", "levels": [0, 5], "options": {"bit": "sign"}},
    {"method": "skip", "levels": [0.0, 1.0]},
]


def test_every_kind_of_damage_touches_what_it_says_and_is_undone(worker: Callable[..., Any], tmp_path: Path) -> None:
    tables = {
        "name": "selected",
        "model": {"names": ["petri-16k"], "dtype": "float32"},
        "damage": [damage | {"groups": ["mlp_only"]} for damage in DAMAGE],
        "measure": [{"name": "perplexity", "documents": 6}],
    }
    profile = parse(tables, "test", tmp_path)
    todo = trials(profile, tmp_path)
    one = worker(profile)
    found = [one.run(trial)["record"] for trial in todo]
    assert [record["status"] for record in found] == ["ok"] * 9, found
    baseline, top, bottom, random, channel, none, flips, still, skipped = found
    kl = [record["metrics"]["kl"] for record in found]
    assert [record["touched"] for record in (top, bottom, random)] == [30, 30, 30]
    assert baseline["touched"] == none["touched"] == still["touched"] == 0
    assert channel["touched"] == flips["touched"] == skipped["touched"] > 1000
    assert kl[1] > 10 * kl[2]
    assert (kl[0], kl[5], kl[7]) == (0, 0, 0)
    assert min(kl[4], kl[6], kl[8]) > 0
    again = one.run(todo[0])["record"]
    assert again["metrics"] == baseline["metrics"]
