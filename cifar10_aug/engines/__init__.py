"""From ops to pixels: `plan` says in which stages, and three engines run them.

May import `ops` and `rng`; knows no recipe, no dataset and not TFDS.
"""
