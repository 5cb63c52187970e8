"""Random numbers that depend on their key alone, and functions that round alike on any machine.

Imports nothing of this package.
"""
