"""What a search leaves: scored paths of words, kept, cut and searched again."""
