"""n-gram models in ARPA form, the acceptor G, and models that score words after states."""
