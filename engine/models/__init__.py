"""Models: loading them, finding their parts, and addressing parts of their weights as slices."""
