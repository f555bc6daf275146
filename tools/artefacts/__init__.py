"""Every kind of file and folder that a recipe leaves: how to recognize it, show it and check it."""
