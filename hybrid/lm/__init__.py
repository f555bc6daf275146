"""Language models: n-grams trained, pruned, mixed and measured; classes of words; neural models."""
