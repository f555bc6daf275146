"""When phones and words are said, in seconds."""
