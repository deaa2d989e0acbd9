"""The terminal: command line, headless progress and console."""
