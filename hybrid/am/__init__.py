"""Acoustic models: networks whose outputs are pdf_ids, with priors and transitions."""
