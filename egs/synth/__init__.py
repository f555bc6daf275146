"""The embedded corpus: speech by espeak-ng with true alignments."""
