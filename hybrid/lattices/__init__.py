"""What is done with lattices: words with times and confidences, votes, what they could have said."""
