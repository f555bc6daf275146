"""Readers of hybrid/nn, hybrid/am and hybrid/training."""

READERS = []
