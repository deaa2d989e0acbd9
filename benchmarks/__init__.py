"""The performance suite: every figure the README quotes is printed by a module here."""
