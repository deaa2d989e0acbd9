"""Figures of a report for a paper, as PNG, SVG and PDF: drawn with matplotlib, which is an extra."""

from engine.analysis.figures.drawing import FORMATS, MISSING, available, figures, undrawn

__all__ = ["FORMATS", "MISSING", "available", "figures", "undrawn"]
