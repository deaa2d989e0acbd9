"""The engine: profiles, trials, runs and what a worker does to a model."""
