"""Frozen epochs: what `…-xN` configs are made of, how they are written, read and verified."""
