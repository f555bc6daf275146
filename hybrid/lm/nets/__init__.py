"""Networks of neural language models."""
