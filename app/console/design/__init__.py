"""The Design screen: a profile as a form, and what it would run."""
