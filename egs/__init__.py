"""Recipes, one folder per corpus."""
