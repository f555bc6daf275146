"""Speech: data, features, networks, training, alignment, recognition and reports."""
