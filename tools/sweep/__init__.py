"""Sweeps over options of a recipe: a study file, trials that share what they have in common, what mattered."""
