"""Damage by training, and healing: what is trained on, how a step is made, and what is watched on the way."""
