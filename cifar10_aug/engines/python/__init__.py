"""Functions of the user's: where they run, their workers, and the memory they share.

Knows neither of the other engines.
"""
