"""The TFDS face: one file a dataset, and in `augmented` what they have in common.

May import everything but `cli`.
"""
