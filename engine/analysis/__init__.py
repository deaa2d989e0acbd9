"""What a run's trials say: tidy tables, dose–response curves, scaling fits, files. No torch, pandas only on use."""

from engine.analysis.abilities import Ability, abilities, told_apart
from engine.analysis.curves import Curve, dose
from engine.analysis.files import FORMATS, export
from engine.analysis.layer_map import Cell, LayerMap, MapRow, change_from, layer_maps, scanned
from engine.analysis.names import model_name
from engine.analysis.power_law import Scaling, scaling, strongest
from engine.analysis.tables import Row, arrow, columns, frame, frame_of, headlines, metric_names, rows, table
from engine.analysis.tidy import Tidy, tidy
from engine.catalog.columns import CHANGE
from engine.profile import trial_group

__all__ = [
    "CHANGE",
    "FORMATS",
    "Ability",
    "Cell",
    "Curve",
    "LayerMap",
    "MapRow",
    "Row",
    "Scaling",
    "Tidy",
    "abilities",
    "arrow",
    "change_from",
    "columns",
    "dose",
    "export",
    "frame",
    "frame_of",
    "headlines",
    "layer_maps",
    "metric_names",
    "model_name",
    "rows",
    "scaling",
    "scanned",
    "strongest",
    "table",
    "tidy",
    "told_apart",
    "trial_group",
]
