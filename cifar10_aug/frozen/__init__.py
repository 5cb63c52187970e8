"""Epochs in files: export, resume, verify, read.

May import `pipelines` and what is below it; knows no builder.
"""
