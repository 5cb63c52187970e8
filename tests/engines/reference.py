"""What a recipe does, said slowly and obviously: one image, one pixel at a time, in floats.

It shares the ops' parameters with the engine, and nothing else.
"""

from __future__ import annotations

import math

import numpy as np

from cifar10_aug.data.spec import CIFAR10
from cifar10_aug.engines.stages import Pass, PlannedOp, Process
from cifar10_aug.ops.base import AffineOp, Border
from cifar10_aug.ops.compound import OneOf
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws
from cifar10_aug.rng.draws import Draws
from tests.engines import pixelwise_reference


def draws_of(recipe: Recipe, step: PlannedOp, number: int, epoch: int, seed: int) -> Draws:
    """The words of an op, straight from Philox."""
    op = recipe.ops[step.position]
    keyed = epoch if step.every_epoch else 0
    words = [
        word
        for block in range(math.ceil(op.slots / 4))
        for word in draws.philox(
            *(np.uint64(v) for v in (number, 0, keyed, (step.position << 24) | block)),
            *(np.uint64(v) for v in (seed & 0xFFFFFFFF, seed >> 32)),
        )
    ]
    part = words[step.first_slot : step.first_slot + step.slots]
    return Draws(np.array(part, np.uint32)[:, None], epoch)


def done(recipe: Recipe, step: PlannedOp, number: int, epoch: int, seed: int) -> bool:
    """Whether an op is done to an example, straight from Philox: a coin, and a choice."""
    coin, choice, *_ = draws.philox(
        *(np.uint64(v) for v in (number, 0, epoch, (step.position << 24) | 255)),
        *(np.uint64(v) for v in (seed & 0xFFFFFFFF, seed >> 32)),
    )
    op = recipe.ops[step.position]
    choices = op.ops if isinstance(op, OneOf) else (op,)
    chosen = int(choice) * len(choices) >> 32
    return chosen == step.gate.number and int(coin) < choices[chosen].coin * 2**32


def augment(recipe: Recipe, image: np.ndarray, number: int, epoch: int, seed: int) -> np.ndarray:
    """One uint8 image, without the value-range op at the end."""
    height, width, _ = image.shape
    current = image.astype(np.float64)
    for made in recipe.plan.stages:
        if isinstance(made, Process):
            if done(recipe, made.step, number, epoch, seed):
                current = _stroke(recipe, made.step, current, number, epoch, seed)
            continue
        assert isinstance(made, Pass), "no functions of users"
        maps = []
        for warp in made.warps:
            # One by one, whatever the engine multiplies into one map.
            for step in warp.steps:
                if not done(recipe, step, number, epoch, seed):
                    continue
                assert isinstance(step.op, AffineOp)
                drawn = draws_of(recipe, step, number, epoch, seed)
                entries = [float(np.ravel(v)[0]) for v in step.op.affine(drawn, height, width)]
                matrix = np.array([entries[:3], entries[3:], [0, 0, 1]])
                maps.append((matrix, step.op.border or Border("nearest")))
        if maps:
            current = _resample(current, maps[::-1])
        for step in (step for steps in made.strokes for step in steps):
            if done(recipe, step, number, epoch, seed):
                current = _stroke(recipe, step, current, number, epoch, seed)
        current = np.rint(current)
    return current


def _stroke(
    recipe: Recipe, step: PlannedOp, image: np.ndarray, number: int, epoch: int, seed: int
) -> np.ndarray:
    drawn = draws_of(recipe, step, number, epoch, seed)
    key = (step.position, number, epoch if step.every_epoch else 0, seed)
    levels = np.rint(image).astype(np.uint8)
    return pixelwise_reference.apply(step.op, drawn, levels, key).astype(np.float64)


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
                outside = not (_inside(at_x, width, border) and _inside(at_y, height, border))
                if outside and border.mode == "constant" and level is None:
                    level = border.colour(CIFAR10)
                at_x, at_y = _back(at_x, width, border.mode), _back(at_y, height, border.mode)
            out[y, x] = _bilinear(image, at_x, at_y) if level is None else level
    return out


def _inside(at: float, size: int, border: Border) -> bool:
    """Whether a coordinate lies in the image; where it has pixels' edges, they end it."""
    last = size - 1 + border.reach
    return -border.reach <= at and (at < last if border.reach else at <= last)


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
