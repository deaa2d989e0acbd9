"""Ways to damage weights: one module a family of methods."""

from engine.methods.damage import apply, bypass

__all__ = ["apply", "bypass"]
