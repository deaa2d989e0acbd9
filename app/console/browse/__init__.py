"""The Browse screen: every run on disk, and what one of them says."""
