"""Widgets of the console: one module a widget."""
