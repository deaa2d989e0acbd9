"""A run of numbers at the ends of what floats hold, written by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.analysis.conftest import record
from tests.runs.test_odd_files import DONE, STARTED, make

LARGEST, SMALLEST = 1.7976931348623157e308, 5e-324


def run(results: Path) -> Path:
    """Three models, two seeds, three levels, single layers too; perplexity is read on a log axis, nll is not."""
    return make(results, "extreme", [STARTED, DONE], list(_records()))


def _records() -> Iterator[dict[str, Any]]:
    index = 0
    for model, parameters in (("petri-16k", 10**4), ("petri-60k", 10**5), ("petri-250k", 10**6)):
        for seed in (42, 43):
            for level, group, layers in DAMAGES:
                strong = (level or 0.0) + seed - 42
                metrics = {
                    "perplexity": 10.0 if level is None else [1e297, 1e303, LARGEST][min(int(strong * 2), 2)],
                    "nll": 2.0 if level is None else (LARGEST if seed == 42 else -LARGEST),
                    "kl": SMALLEST if level is None else SMALLEST * (1 + 3 * strong),
                    "mlp_gain_last": 1e-300 if level is None else LARGEST,
                    "residual_gain": LARGEST if model == "petri-16k" else -1e300,
                    "rho": 0.1 * parameters / 10**4,
                }
                damaged = {"level": level, "group": group, "method": "none" if level is None else "mult_gauss"}
                damaged |= {"layers": layers}
                facts = {"model": model, "seed": seed, "parameters": parameters, "metrics": metrics}
                yield {**record(index, baseline=level is None), **damaged, **facts}
                index += 1


DAMAGES = (
    (None, None, None),
    *((level, "attn_only", None) for level in (0.0, 0.5, 1.0)),
    *((0.5, "mlp_only", layer) for layer in ("0", "1")),
)
METRICS = ("perplexity", "nll", "kl", "mlp_gain_last", "residual_gain", "perplexity_change_pct")
