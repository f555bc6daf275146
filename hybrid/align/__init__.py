"""Alignments: archives, CTM and TextGrid files, boundary errors, pdf priors, the CTC model that starts them."""
