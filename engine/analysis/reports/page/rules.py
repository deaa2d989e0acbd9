"""The rules of a page: by which every number on it was made, those that were used."""

from __future__ import annotations

from collections.abc import Iterator

from engine.analysis.gains import DENSE
from engine.analysis.reports.comparisons import MOST_ARMS
from engine.analysis.reports.page.words import filled, percent
from engine.analysis.reports.report import Report
from engine.analysis.statistics.dose_response import FEWEST_DOSES
from engine.analysis.statistics.laws import FEW_SIZES
from engine.analysis.statistics.outliers import FEWEST_FOR_IQR
from engine.analysis.statistics.summary import RESAMPLES


def rules(report: Report) -> list[str]:
    """One list of Markdown."""
    return ["\n".join(filled(f"- {rule}", indent="  ") for rule in _rules(report))]


def _rules(report: Report) -> Iterator[str]:
    sure = percent(report.choices.confidence)
    yield (
        "A cell is all trials of one model, method, group and level. sd is the sample standard deviation (n − 1). The "
        f"interval holds the mean with {sure}: bootstrap, bias-corrected and accelerated (BCa), {RESAMPLES:,} draws, "
        f"seed {report.choices.bootstrap_seed}."
    )
    yield from _filter(report)
    if any(part.laws for part in report.parts):
        yield from _laws(report)
    if any(part.density for part in report.parts):
        yield (
            f"Dense heads: rho is heads over head size, dense from {DENSE:g} on; a gain below 1 dampens. Validated "
            "where more than half of the dense dampen, or r < −0.3 of three models and more; else inconclusive below "
            "three."
        )
    if any(part.doses for part in report.parts):
        yield (
            "Half the damage: the dose in the middle of a four-parameter logistic curve through all trials of a model "
            "and group, undamaged ones at dose 0, of the metric's logarithm where it is read on such an axis; from "
            f"{FEWEST_DOSES} doses on. Its interval is of the logarithm of the dose, by the curvature at the best fit."
        )
    if any(part.comparisons.made for part in report.parts):
        yield from _comparisons()
    if report.together or any(part.doses for part in report.parts):
        yield (
            f"Correlations: of all trials at once, {sure} intervals by Fisher's z (Spearman's by Bonett and Wright). p "
            "takes trials to be independent, which those of one seed at several levels are not quite."
        )
    if report.critical is not None:
        yield (
            "Critical weights: times is the share of the listed weights over the share of all weights. Score and "
            "damage: the sum of the scores of the weights that were damaged, best first, against the metric, over the "
            "trials that damage weights in the order of this score."
        )


def _filter(report: Report) -> Iterator[str]:
    choices = report.choices
    if choices.filter_method == "iqr":
        yield (
            f"Filter: kept is what lies within {choices.filter_iqr_multiplier:g} interquartile ranges of the quartiles "
            f"of its cell, bounds included; from {FEWEST_FOR_IQR} values on, and not where the range is 0."
        )
    if choices.filter_method == "zscore":
        yield (
            f"Filter: kept is what lies within {choices.filter_zscore_threshold:g} sample standard deviations of the "
            "mean of its cell; in n values none lies further than (n − 1)/√n."
        )
    if choices.filter_method != "none":
        yield "What the filter leaves out is left out of everything below it: laws, doses and comparisons."


def _laws(report: Report) -> Iterator[str]:
    weighted = ", a model by the inverse variance of its mean over seeds" if report.choices.weighted else ""
    yield (
        "Laws: least squares of log10 of a model's mean on log10 of its parameters, embeddings included, a point a "
        f"model{weighted}; ± is the standard error, the interval is Student's, without one: the smallest and largest "
        f"exponent that leaving out one model gives. Below {FEW_SIZES} sizes an exponent says little. R² and p are of "
        "exponent 0; AICc counts the spread as a parameter."
    )
    if any(law.exponent is not None for part in report.parts for law in part.laws):
        yield "A supposed exponent is tested by Student's t; within se: it lies within one standard error."


def _comparisons() -> Iterator[str]:
    yield (
        "Comparisons: of signed values, two-sided, first minus second; Welch's tests do not take spreads to be equal, "
        "Student's and the one-way analysis of variance do. Holm's correction is over all pairs of a metric. g is in "
        f"pooled deviations, with a normal interval. More than {MOST_ARMS} damages of one level have no pairs."
    )
    yield "Metrics that are read on a logarithmic axis are compared by their logarithms, where all are above 0."
