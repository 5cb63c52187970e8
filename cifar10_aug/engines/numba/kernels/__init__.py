"""The compiled loops.

Each file is compiled when it is first needed. May import `rng`.
"""
