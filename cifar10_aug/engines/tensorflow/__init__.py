"""The graph engine: the same recipes in TensorFlow ops alone."""
