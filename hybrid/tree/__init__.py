"""Training of phonetic decision trees: statistics, questions, roots, splits (lookup is graphs/hmm/context_tree.py)."""
