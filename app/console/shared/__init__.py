"""Widgets and readers that several screens of the console have."""
