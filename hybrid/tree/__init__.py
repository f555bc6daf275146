"""Training of phonetic decision trees: statistics, questions, roots, splits (lookup is graphs/context_tree.py)."""
