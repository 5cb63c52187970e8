"""The command line: a thin shell; nothing is decided here. TensorFlow is imported when needed."""

from cifar10_aug.cli import bench, frozen, online
from cifar10_aug.cli.shell import main

__all__ = ["bench", "frozen", "main", "online"]
