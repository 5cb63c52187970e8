"""The graph engine: the same pixels by TensorFlow ops alone."""
