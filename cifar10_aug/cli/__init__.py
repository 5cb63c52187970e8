"""The command line, `cifar10-aug`: one file a command, and what commands share.

May import everything; nothing imports it.
"""

from cifar10_aug.cli import bench, export, gallery, info, list_ops, prepare, preview, verify
from cifar10_aug.cli.shell import main

__all__ = ["bench", "export", "gallery", "info", "list_ops", "main", "prepare", "preview", "verify"]
