"""Epochs that are made while they are read.

May import `recipes` and what is below it; knows no builder.
"""
