"""Workarounds for other people's code, each with the version it is for and when it can go."""
