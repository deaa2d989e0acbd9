"""The record of a run: its lines, its directory, and what each line holds. Nothing here loads torch."""
