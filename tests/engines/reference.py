"""What a recipe does, said slowly and obviously: one image, one pixel at a time, in floats.

It shares the ops' parameters with the engine, and nothing else.
"""

from __future__ import annotations

import math

import numpy as np

from cifar10_aug import draws
from cifar10_aug.draws import Draws
from cifar10_aug.engines.plan import Pass, plan
from cifar10_aug.ops.kinds import AffineOp, Border, BoxOp, Noise
from cifar10_aug.recipe import Recipe


def draws_of(recipe: Recipe, position: int, number: int, epoch: int, seed: int) -> Draws:
    """The words of the op at a position, straight from Philox."""
    slots = recipe.ops[position].slots
    words = [
        word
        for block in range(math.ceil(slots / 4))
        for word in draws.philox(
            *(np.uint64(v) for v in (number, 0, epoch, (position << 24) | block)),
            *(np.uint64(v) for v in (seed & 0xFFFFFFFF, seed >> 32)),
        )
    ]
    return Draws(np.array(words[:slots], np.uint32)[:, None])


def augment(recipe: Recipe, image: np.ndarray, number: int, epoch: int, seed: int) -> np.ndarray:
    """One uint8 image, without the value-range op at the end."""
    height, width, _ = image.shape
    current = image.astype(np.float64)
    for made in plan(recipe.ops):
        assert isinstance(made, Pass), "no functions of users"
        maps = []
        for leg in made.legs:
            matrix = np.eye(3)
            for step in leg.steps:
                assert isinstance(step.op, AffineOp)
                drawn = draws_of(recipe, step.position, number, epoch, seed)
                entries = [float(np.ravel(v)[0]) for v in step.op.affine(drawn, height, width)]
                # Later ops are met first on the way from the output to the source.
                matrix = matrix @ np.array([entries[:3], entries[3:], [0, 0, 1]])
            maps.append((matrix, leg.border))
        if maps:
            current = _resample(current, maps[::-1])
        for step in made.boxes:
            assert isinstance(step.op, BoxOp)
            drawn = draws_of(recipe, step.position, number, epoch, seed)
            box = [int(np.ravel(side)[0]) for side in step.op.boxes(drawn, height, width)]
            fill = step.op.fill_levels(drawn)
            for y in range(box[0], box[2]):
                for x in range(box[1], box[3]):
                    if isinstance(fill, Noise):
                        colour: list[float] = _noise(
                            step.position, y * width + x, number, epoch, seed
                        )
                    else:
                        colour = [float(np.ravel(level)[0]) for level in fill]
                    current[y, x] = colour
        current = np.rint(current)
    return current


def _noise(position: int, pixel: int, number: int, epoch: int, seed: int) -> list[float]:
    counter = (position << 24) + 256 + pixel // 4
    words = draws.philox(
        *(np.uint64(v) for v in (number, 0, epoch, counter, seed & 0xFFFFFFFF, seed >> 32))
    )
    word = int(words[pixel % 4])
    return [word & 255, (word >> 8) & 255, (word >> 16) & 255]


def _resample(image: np.ndarray, maps: list[tuple[np.ndarray, Border]]) -> np.ndarray:
    height, width, _ = image.shape
    out = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            at_x, at_y = float(x), float(y)
            level = None
            for matrix, border in maps:
                at_x, at_y, _ = matrix @ np.array([at_x, at_y, 1.0])
                # Fixed-point coordinates are no finer than this.
                at_x, at_y = round(at_x * 65536) / 65536, round(at_y * 65536) / 65536
                outside = not (0 <= at_x <= width - 1 and 0 <= at_y <= height - 1)
                if outside and border.mode == "constant" and level is None:
                    level = border.level
                at_x, at_y = _back(at_x, width, border.mode), _back(at_y, height, border.mode)
            out[y, x] = _bilinear(image, at_x, at_y) if level is None else level
    return out


def _back(at: float, size: int, mode: str) -> float:
    if mode == "reflect":
        at = (at + 0.5) % (2 * size)
        at = min(at, 2 * size - at) - 0.5
    elif mode == "mirror" and size > 1:
        at = at % (2 * (size - 1))
        at = min(at, 2 * (size - 1) - at)
    return min(max(at, 0.0), size - 1.0)


def _bilinear(image: np.ndarray, x: float, y: float) -> np.ndarray:
    left, top = min(int(x), image.shape[1] - 1), min(int(y), image.shape[0] - 1)
    right, bottom = min(left + 1, image.shape[1] - 1), min(top + 1, image.shape[0] - 1)
    fx, fy = x - left, y - top
    upper = image[top, left] * (1 - fx) + image[top, right] * fx
    lower = image[bottom, left] * (1 - fx) + image[bottom, right] * fx
    return np.asarray(upper * (1 - fy) + lower * fy)
