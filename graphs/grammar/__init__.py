"""n-gram models in ARPA form, and the acceptor G."""
