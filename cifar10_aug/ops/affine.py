"""Affine maps from output pixels to input pixels, one an example.

Pixel (0, 0) has its centre at x = 0, y = 0; x runs right, y down.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Affine(NamedTuple):
    """source_x = xx * x + xy * y + x0, source_y = yx * x + yy * y + y0.

    Each entry is a number or a float64 array of shape [batch].
    """

    xx: Any
    xy: Any
    x0: Any
    yx: Any
    yy: Any
    y0: Any

    def after(self, first: Affine) -> Affine:
        """The map of doing `first` to an image and then this.

        Output pixels run through this map and then through `first` to reach the source.
        """
        return Affine(
            first.xx * self.xx + first.xy * self.yx,
            first.xx * self.xy + first.xy * self.yy,
            first.xx * self.x0 + first.xy * self.y0 + first.x0,
            first.yx * self.xx + first.yy * self.yx,
            first.yx * self.xy + first.yy * self.yy,
            first.yx * self.x0 + first.yy * self.y0 + first.y0,
        )


def centred(xx: Any, xy: Any, yx: Any, yy: Any, height: int, width: int) -> Affine:
    """The linear map about the centre of the image, ((width - 1) / 2, (height - 1) / 2)."""
    x, y = (width - 1) / 2, (height - 1) / 2
    return Affine(xx, xy, x - xx * x - xy * y, yx, yy, y - yx * x - yy * y)


def translated(x0: Any, y0: Any) -> Affine:
    """Shows at (0, 0) what was at (x0, y0)."""
    return Affine(1.0, 0.0, x0, 0.0, 1.0, y0)
