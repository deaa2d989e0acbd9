"""Ways to damage weights: one module a family of methods."""

from engine.methods.damage import bypass, walk
from engine.methods.in_place import apply
from engine.methods.method import Context, Damaged

__all__ = ["Context", "Damaged", "apply", "bypass", "walk"]
