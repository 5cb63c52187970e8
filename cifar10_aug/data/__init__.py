"""The images: where they come from, how they are kept, and which of them a split names.

Knows no op. May import `rng`.
"""
