"""The command line, `cifar10-aug`.

May import everything; nothing imports it.
"""

from cifar10_aug.cli import bench, frozen, online
from cifar10_aug.cli.shell import main

__all__ = ["bench", "frozen", "main", "online"]
