"""Ways to damage weights: one module a family of methods."""

from engine.methods.damage import apply

__all__ = ["apply"]
