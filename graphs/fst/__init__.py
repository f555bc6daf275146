"""Transducers as arrays of arcs, and the algebra over them that k2 does."""
