"""Experiments of any set of work folders: found by their stage records, listed, tabulated and compared."""
