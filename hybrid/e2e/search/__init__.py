"""Searches for the best token sequences."""
