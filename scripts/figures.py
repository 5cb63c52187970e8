"""Writes figures of matplotlib as pictures."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
from PIL import Image

from cifar10_aug.cli import contact_sheet

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as PNG at once, and lets go of it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    plt.close(figure)
    with Image.open(file) as picture:
        contact_sheet.save(picture.convert("RGB"), path)
