"""What a run, or several, say when a careful reader asks: summaries, filters, laws, doses and comparisons."""

from engine.analysis.reports.report import Report, report

__all__ = ["Report", "report"]
