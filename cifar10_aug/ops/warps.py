"""Warps that no matrix describes."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from cifar10_aug.ops.base import Border, Displacement, ElasticOp, Perspective, PerspectiveOp
from cifar10_aug.ops.fields import ChoiceField, Interval, IntervalField, NumberField, option
from cifar10_aug.rng.draws import Draws

_FILL_MODES = ("nearest", "constant", "reflect")


@dataclasses.dataclass(frozen=True)
class RandomPerspective(PerspectiveOp):
    """Moves each corner inwards, independently, with probability p, as torchvision does."""

    name: ClassVar[str] = "perspective"
    slots: ClassVar[int] = 9

    distortion: float = option(
        NumberField(
            0.5, unit="fraction of half a side", about="how far a corner moves at most", high=0.9
        )
    )
    p: float = option(NumberField(0.5, unit="probability", about="how often"), kw_only=True)
    fill_mode: str = option(
        ChoiceField("constant", words=_FILL_MODES, about="what lies outside: zeros if constant")
    )

    @property
    def border(self) -> Border:
        return Border(self.fill_mode, reach=0.5)

    def perspective(self, draws: Draws, height: int, width: int) -> Perspective:
        applied = draws.name("applied", draws.chance(0, self.p))
        # A side of one pixel is taken for two, so that there is a quadrilateral.
        last_x, last_y = max(width - 1.0, 1.0), max(height - 1.0, 1.0)
        most_x, most_y = self.distortion * last_x / 2, self.distortion * last_y / 2
        # The corners of what is seen: left and right, upper and lower.
        moves = [
            draws.where(applied, draws.uniform(1 + i, 0.0, most_y if i % 2 else most_x), 0.0)
            for i in range(8)
        ]
        corners = [
            (moves[0], moves[1]),
            (last_x - moves[2], moves[3]),
            (last_x - moves[4], last_y - moves[5]),
            (moves[6], last_y - moves[7]),
        ]
        for name, (x, y) in zip(
            ("upperleft", "upperright", "lowerright", "lowerleft"), corners, strict=True
        ):
            draws.name(f"{name}x", x)
            draws.name(f"{name}y", y)
        return _onto_rectangle(corners, last_x, last_y)


def _onto_rectangle(corners: list, last_x: float, last_y: float) -> Perspective:
    """The map that takes a quadrilateral's corners to those of the image.

    The map of the unit square onto a quadrilateral (Heckbert, "Fundamentals of texture mapping and
    image warping", 1989, section 2.2.3), inverted by its adjugate.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    sum_x, sum_y = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    dx1, dy1, dx2, dy2 = x1 - x2, y1 - y2, x3 - x2, y3 - y2
    area = dx1 * dy2 - dx2 * dy1
    g, h = (sum_x * dy2 - dx2 * sum_y) / area, (dx1 * sum_y - sum_x * dy1) / area
    a, b, c = x1 - x0 + g * x1, x3 - x0 + h * x3, x0
    d, e, f = y1 - y0 + g * y1, y3 - y0 + h * y3, y0
    whole = a * e - b * d
    return Perspective(
        last_x * (e - f * h) / whole,
        last_x * (c * h - b) / whole,
        last_x * (b * f - c * e) / whole,
        last_y * (f * g - d) / whole,
        last_y * (a - c * g) / whole,
        last_y * (c * d - a * f) / whole,
        (d * h - e * g) / whole,
        (b * g - a * h) / whole,
    )


@dataclasses.dataclass(frozen=True)
class Elastic(ElasticOp):
    """Displaces every pixel by smooth noise (Simard, Steinkraus and Platt, ICDAR 2003)."""

    name: ClassVar[str] = "elastic"
    slots: ClassVar[int] = 2

    alpha: Interval = option(
        IntervalField(
            (34, 34), unit="pixels", about="what the smoothed noise is multiplied by", high=1000
        )
    )
    sigma: Interval = option(
        IntervalField((4, 4), unit="pixels", about="the smoothing's deviation", high=32)
    )
    fill_mode: str = option(
        ChoiceField("reflect", words=_FILL_MODES, about="what lies outside: zeros if constant")
    )

    @property
    def border(self) -> Border:
        return Border(self.fill_mode)

    def displacement(self, draws: Draws) -> Displacement:
        alpha = draws.name("alpha", draws.uniform(0, *self.alpha))
        sigma = draws.name("sigma", draws.uniform(1, *self.sigma))
        return Displacement(alpha, sigma, self.sigma[1])
