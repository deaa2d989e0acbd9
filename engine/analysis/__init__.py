"""What a run's trials say: tidy tables, dose–response curves, scaling fits, files. No torch, pandas only on use."""

from engine.analysis.curves import Curve, dose
from engine.analysis.files import FORMATS, export
from engine.analysis.names import model_name
from engine.analysis.power_law import Scaling, scaling, strongest
from engine.analysis.tables import CHANGE, Row, columns, frame_of, headlines, metric_names, rows, table, tidy
from engine.profile import trial_group

__all__ = [
    "CHANGE",
    "FORMATS",
    "Curve",
    "Row",
    "Scaling",
    "columns",
    "dose",
    "export",
    "frame_of",
    "headlines",
    "metric_names",
    "model_name",
    "rows",
    "scaling",
    "strongest",
    "table",
    "tidy",
    "trial_group",
]
