"""Systems side by side: differences that are sure, errors by what makes them, times of words against the truth."""
