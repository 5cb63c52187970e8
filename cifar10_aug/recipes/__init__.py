"""Names and what they mean: grammar, presets, registration, the recipe itself and its Keras layer.

May import `engines`, `ops` and `rng`; knows no dataset, but that recipes run on CIFAR-10 where
nobody names another.
"""
