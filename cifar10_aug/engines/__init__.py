"""How a recipe runs on a batch."""
