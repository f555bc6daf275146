"""Programs over folders of lattices."""
