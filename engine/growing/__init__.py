"""Growing the bundled petri models: training, and what they can do afterwards."""
