"""Language models: n-gram training, neural models."""
