"""A report as a page of Markdown that reads well as it is."""

from engine.analysis.reports.page.whole import markdown

__all__ = ["markdown"]
