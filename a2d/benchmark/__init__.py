"""A2D-Bench: a table of trained architectures, and searches that are judged by it."""
