"""Statistics of trials: each says what it rests on, and gives a reason in words where there is nothing to compute."""

FEWEST_SIZES = 3
"""Models of different size that a law needs."""
