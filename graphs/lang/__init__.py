"""Symbols, pronunciations, the lang folder, and the transducer L."""
