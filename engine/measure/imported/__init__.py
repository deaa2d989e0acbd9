"""The measurement imported: figures that another program measured, as lesion import brings them in."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

_SHIFTED = "as published: labels shifted twice, so not a perplexity of the next token"
_RANK = "as published: singular values below 1 % of the sum dropped without renormalising, padding counted"
_CATALYST = "of the tokens trained on, as published"

INFO = MeasurementInfo(
    "imported",
    "figures that another program measured, under its own definitions: lesion import brings them in",
    (
        MetricInfo("published_perplexity", _SHIFTED, "", "lower", log=True),
        MetricInfo("published_effective_rank", _RANK, "", None),
        MetricInfo(
            "published_spectral_gap", "as published: first singular value minus the second, padding counted", "", None
        ),
        MetricInfo(
            "rank_reduction_pct",
            "as published, with its sign: (1 - after / before) · 100 of the published effective rank; below 0 it rose, "
            "which the published summaries count as a loss",
            "%",
            None,
            from_baseline=True,
        ),
        MetricInfo("published_catalyst_rank_before", f"effective rank before training, {_CATALYST}", "", None),
        MetricInfo("published_catalyst_rank_after", f"effective rank after training, {_CATALYST}", "", None),
        MetricInfo(
            "published_catalyst_rank_reduction",
            f"share of the effective rank lost, {_CATALYST}; below 0 it rose",
            "share",
            None,
            from_baseline=True,
        ),
        MetricInfo(
            "published_looks",
            "how often training looked at the rank, as published; few where it ended before the steps asked for",
            "",
            None,
        ),
        MetricInfo(
            "published_perplexity_by_length",
            "as published: losses weighted by a text's tokens, not by its predictions; of the critical-weight study",
            "",
            "lower",
            log=True,
        ),
        MetricInfo(
            "published_ppl_increase", "perplexity's increase, as that study has it", "", "lower", from_baseline=True
        ),
        MetricInfo("published_ppl_ratio", "perplexity over that before, as that study has it", "", "lower"),
        MetricInfo(
            "published_largest_score",
            "largest sensitivity of a weight, as published: with dropout on in models that have it",
            "",
            None,
        ),
        MetricInfo(
            "published_text_perplexity",
            "mean over texts of what the degradation study stored as perplexity, of which it does not say on what",
            "",
            "lower",
            log=True,
        ),
        MetricInfo("published_training_loss", "loss of a step, as published; 1e10 before the first", "", "lower"),
        MetricInfo("published_rank_recovery", "rank won back, as published; never below 0", "%", "higher"),
    ),
    "engine.measure.imported.run:Imported",
    table="engine.measure.imported.table:ImportedMeasure",
    headlines=("published_perplexity",),
)
