"""Workarounds for other people's code, each with what it is for and when it can go.

Imports nothing of this package but `errors`.
"""
