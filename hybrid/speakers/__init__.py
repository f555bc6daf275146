"""What is known of each speaker: feature transforms, vectors, adapted networks."""
