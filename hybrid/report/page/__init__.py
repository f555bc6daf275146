"""A comparison as one self-contained HTML page: tables, charts, pictures and a browser of utterances."""
