"""From lattices to words, and from words to error rates."""
