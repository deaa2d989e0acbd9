"""How a model reads a text: tokens, windows, likelihoods, and the wording of what it writes."""
