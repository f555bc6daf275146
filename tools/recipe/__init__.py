"""What tools/recipe.sh is made of."""
