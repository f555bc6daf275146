"""Language models: n-gram training."""
