"""HCLG, the graphs of known sentences, and the search for the best paths of either."""
