"""Networks: padded batches of feature frames in, scores of the classes for each frame out."""
