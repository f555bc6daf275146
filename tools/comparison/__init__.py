"""What a comparison of systems takes from work folders."""
