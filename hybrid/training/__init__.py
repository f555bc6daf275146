"""Training: a loop that knows no task, its checkpoints, objectives and batches."""
