"""Numbers below the model: random ones by position, and loops over numbers compiled to machine code."""
