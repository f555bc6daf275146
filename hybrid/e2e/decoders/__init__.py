"""What stands behind an encoder: attention decoders and transducers."""
