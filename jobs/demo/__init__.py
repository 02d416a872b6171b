"""Fills an empty database with a small service company and runs its month."""
