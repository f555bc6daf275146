"""From recordings and transcripts to batches of features."""
