"""The command card: a run in the words and the table of a paper."""

from __future__ import annotations

import typer

from app import output
from app.commands import chart, options


def register(app: typer.Typer) -> None:
    """Add the command of this page."""
    app.command()(card)


def card(
    run: options.RunName,
    metric: chart.Metrics = None,
    as_json: options.Json = False,
    results: options.Results = options.RESULTS,
) -> int:
    """Write a run up for a paper: methods and results, in Markdown.

    For a paper or a model card; every number is the run's. Means are over seeds, with their deviation and 95 %
    bootstrap interval.

    Examples: lesion card last · lesion card 3f9c -m nll -m token_accuracy > results.md
    """
    from dataclasses import asdict

    from engine import runs
    from engine.analysis.card import card as card_of
    from engine.analysis.card_text import markdown, paragraph

    made = card_of(runs.find(run, results), metric)
    if as_json:
        findings = [asdict(finding) for finding in made.findings]
        output.show_json({"run": made.run, "methods": paragraph(made), "facts": made.facts, "findings": findings})
        return 0
    for line in markdown(made).splitlines():
        output.show(line)
    return 0
