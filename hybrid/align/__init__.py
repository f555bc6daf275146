"""Alignments: their making, archives, CTM and TextGrid files, boundary errors, pdf priors."""
