"""End-to-end systems: networks that emit characters, pieces or phones, their searches, and N-best lists."""
