"""The eager engine: NumPy turns draws into parameters, compiled loops turn those into pixels.

May import `engines.python`, which runs the functions of the user's.
"""
