"""Dialects: a circuit as text."""
