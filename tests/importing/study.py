"""Excerpts of published result files, typed in by hand: a few numbers of each, in the format that they have."""

import json
from pathlib import Path
from typing import Any

MODEL = {
    "name": "pythia-410m",
    "hf_model_id": "EleutherAI/pythia-410m",
    "max_seq_length": 512,
    "use_quantization": False,
    "quantization_bits": 4,
    "use_gradient_checkpointing": True,
    "use_fft": True,
}
ATTACK = {
    "num_steps": 100,
    "learning_rate": 0.0001,
    "batch_size": 1,
    "target_rank_reduction": 0.5,
    "catalyst_length": 64,
}
HVP = {"num_power_iterations": 50, "null_space_threshold": 1e-06, "num_null_directions": 10, "hvp_batch_size": 1}
CONFIG = {"model": MODEL, "attack": ATTACK, "hvp": HVP}
HEALING = {"num_healing_steps": 20, "healing_learning_rate": 1e-05, "healing_optimizer": "sgd"}

ADAMW = {1: ("2.4520", "-2.37"), 2: ("2.3081", "3.64"), 3: ("2.6926", "-12.41")}
SGD = {1: ("2.2690", "5.27"), 2: ("2.4202", "-1.04"), 3: ("2.4148", "-0.81")}
"""By the number of the run: its rank after the attack and its rank reduction, as published for Pythia-410m."""

SHIELD = {
    "fp16": {1: ("2.7243", "-6.77"), 2: ("2.7513", "-7.83"), 3: ("2.6730", "-4.76")},
    "8bit": {1: ("2.4864", "0.86"), 2: ("2.5052", "0.11"), 3: ("2.4975", "0.42")},
    "4bit": {1: ("2.5639", "5.07"), 2: ("2.7154", "-0.54"), 3: ("2.5674", "4.94")},
}
"""The same of Pythia-1b, by how it was stored."""
BASELINES = {"fp16": "2.5515", "8bit": "2.5080", "4bit": "2.7007"}


def lines(rank: float, before: float = 2.395301103591919, perplexity: float = 55918.441707909056) -> str:
    """A metrics.jsonl as the study wrote it, with three singular values for 640."""
    told: list[dict[str, Any]] = [
        {
            "step": 0,
            "timestamp": "2026-02-01T15:08:58.939017",
            "baseline_perplexity": 5206.920241275732,
            "baseline_effective_rank": before,
            "baseline_spectral_gap": 357.74139404296875,
            "baseline_singular_values": [0.452750027179718, 0.08888711035251617, 0.016989003866910934],
        },
        {"step": 0, "treatment_iteration": 0, "treatment_effective_rank": 2.48421, "treatment_rank_reduction": 0.15686},
        {"step": 10, "treatment_iteration": 10, "treatment_effective_rank": 1.3938, "treatment_rank_reduction": 0.5269},
        {
            "step": 100,
            "timestamp": "2026-02-01T15:15:11.343970",
            "final_initial_rank": 2.9464046955108643,
            "final_final_rank": 1.3938047885894775,
            "final_rank_reduction": 0.5269472687465251,
            "final_iterations": 2,
            "final_catalyst_tokens": [[39519, 29249, 17184]],
        },
        {
            "step": 101,
            "timestamp": "2026-02-01T15:15:13.704444",
            "post_attack_perplexity": perplexity,
            "post_attack_effective_rank": rank,
            "post_attack_spectral_gap": 263.2499694824219,
            "post_attack_singular_values": [0.43360671401023865, 0.1057192012667656, 0.017054574564099312],
        },
    ]
    return "".join(json.dumps(one) + "\n" for one in told)


def run_folder(folder: Path, metrics: str, config: dict[str, Any] | None = None) -> Path:
    """One run of the study."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config or CONFIG, indent=2))
    (folder / "metrics.jsonl").write_text(metrics)
    return folder


def aggregate(path: Path, before: str, runs: dict[int, tuple[str, str]]) -> None:
    """The table of one condition."""
    rows = [f"{number},{before},{after},{lost}" for number, (after, lost) in runs.items()]
    path.write_text("\n".join(["run,baseline_rank,post_attack_rank,rank_reduction_pct", *rows, ""]))


def mechanism(root: Path) -> Path:
    """The study of optimisers: six runs of Pythia-410m, a table for each optimiser, and the summary of absolute
    values."""
    raw = root / "priority3_mechanism" / "raw_data"
    for suffix, runs in (("", ADAMW), ("_sgd", SGD)):
        for number, (after, _) in runs.items():
            run_folder(raw / f"pythia_410m_pythia-410m_run{number:02}_fp16{suffix}", lines(float(after)))
        aggregate(raw / f"aggregate_summary_pythia_410m_pythia-410m_fp16{suffix}.csv", "2.3953", runs)
    summary = "optimizer,mean_rank_reduction_pct,std_dev_rank_reduction_pct,num_runs\nadamw,6.1400,5.4670,3\n"
    (raw.parent / "mechanism_summary.csv").write_text(summary)
    return raw.parent


def shield(root: Path) -> Path:
    """The study of storage: nine runs of Pythia-1b."""
    raw = root / "priority4_shield" / "raw_data"
    for precision, runs in SHIELD.items():
        bits = int(precision[0]) if precision != "fp16" else 4
        model = MODEL | {"hf_model_id": "EleutherAI/pythia-1b", "use_quantization": precision != "fp16"}
        model |= {"quantization_bits": bits, "use_fft": precision == "fp16"}
        for number, (after, _) in runs.items():
            metrics = lines(float(after), float(BASELINES[precision]))
            run_folder(raw / f"pythia_1b_pythia-1b_run{number:02}_{precision}", metrics, CONFIG | {"model": model})
        aggregate(raw / f"aggregate_summary_pythia_1b_pythia-1b_{precision}.csv", BASELINES[precision], runs)
    return raw.parent


def healing(root: Path) -> Path:
    """One run that heals: three looks, and a summary of what came after the last."""
    ranks = {0: 1.6839900016784668, 10: 1.6839827299118042}
    told = [
        {
            "step": step,
            "healing_step": step,
            "healing_effective_rank": rank,
            "healing_perplexity": 114748.98520656108,
            "healing_spectral_gap": 865.2669067382812,
            "healing_loss": 10000000000.0 if step == 0 else 18.802968978881836,
            "healing_recovery_pct": 0.0,
        }
        for step, rank in ranks.items()
    ]
    folder = run_folder(
        root / "priority5_healing" / "raw_data" / "pythia_1b_healing_pythia_1b_pythia-1b_run01_fp16",
        "".join(json.dumps(one) + "\n" for one in told),
        {"model": MODEL | {"hf_model_id": "EleutherAI/pythia-1b"}, "attack": ATTACK, "healing": HEALING},
    )
    summary = {
        "rank_recovery_pct": 0.0,
        "final_effective_rank": 1.6839945316314697,
        "final_perplexity": 114502.0690942957,
        "original_rank": 1.6299415826797485,
        "collapsed_rank": 1.6839900016784668,
        "original_perplexity": 6391.334123672747,
        "collapsed_perplexity": 114748.98520656108,
    }
    (folder / "healing_summary.json").write_text(json.dumps(summary))
    return folder
