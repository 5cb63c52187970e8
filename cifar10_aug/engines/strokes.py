"""From the parameters of ops that paint and recolour to what the compiled loops read."""

from __future__ import annotations

import functools
import statistics
from typing import NamedTuple

import numpy as np

from cifar10_aug import draws, elementary
from cifar10_aug.draws import Draws
from cifar10_aug.engines.plan import Placed
from cifar10_aug.ops.kinds import BoxOp, Noise, ProcessOp, TableOp

# Noise counters start behind the blocks that an op's own draws use.
_FIRST_NOISE_BLOCK = 256
_LEVELS = np.arange(256.0)[:, None]
# A Gaussian beyond so many deviations weighs less than half a level.
_DEVIATIONS = 3.0


class Strokes(NamedTuple):
    """The arguments of `kernels.render` that are about strokes; see there."""

    codes: np.ndarray
    boxes: np.ndarray
    numbers: np.ndarray
    tables: np.ndarray
    weights: np.ndarray
    quantiles: np.ndarray
    bases: np.ndarray

    @staticmethod
    def of(steps: list[tuple[Placed, Draws]], batch: int, height: int, width: int) -> Strokes:
        """The strokes of ops, in order, with what each has drawn for a batch."""
        from cifar10_aug.engines import kernels

        count = len(steps)
        ops = [step.op for step, _ in steps]
        codes = np.full((batch, count), kernels.NOTHING, np.int64)
        boxes = np.zeros((batch, count, 4), np.int64)
        numbers = np.zeros((batch, count), np.float64)
        levels = 256 if any(isinstance(op, TableOp) for op in ops) else 0
        tables = np.empty((batch, count, 3, levels), np.uint8)
        weights = np.zeros((batch, count, _radius(ops) + 1), np.float64)
        noisy = any(isinstance(op, ProcessOp) and op.process == "noise" for op in ops)
        positions = np.array([step.position for step, _ in steps], np.uint64)
        bases = (positions << np.uint64(draws.POSITION_SHIFT)) + np.uint64(_FIRST_NOISE_BLOCK)
        for i, (step, drawn) in enumerate(steps):
            op = step.op
            if isinstance(op, BoxOp):
                code = kernels.BOX
                for side, values in enumerate(op.boxes(drawn, height, width)):
                    boxes[:, i, side] = values
                fill = op.fill_levels(drawn)
                if isinstance(fill, Noise):
                    code = kernels.NOISY_BOX
                else:
                    red, green, blue = fill
                    numbers[:, i] = red + green * 256 + blue * 65536
            elif isinstance(op, TableOp):
                code = kernels.TABLE
                made = np.clip(op.table(drawn, _LEVELS), 0, 255).astype(np.uint8)
                tables[:, i] = np.broadcast_to(made, (256, batch)).T[:, None]
            else:
                assert isinstance(op, ProcessOp), op
                code = kernels.PROCESSES[op.process]
                numbers[:, i] = op.amount(drawn)
                if op.process == "blur":
                    weights[:, i] = _gaussian(numbers[:, i], weights.shape[2])
            codes[:, i] = np.where(op.applied(drawn), code, kernels.NOTHING)
        quantiles = _quantiles() if noisy else np.zeros(1)
        return Strokes(codes, boxes, numbers, tables, weights, quantiles, bases)


def _radius(ops: list) -> int:
    """Of the widest Gaussian that any of the ops can draw."""
    widest = [op.most for op in ops if isinstance(op, ProcessOp) and op.process == "blur"]
    return int(np.ceil(_DEVIATIONS * max(widest, default=0.0)))


def _gaussian(sigma: np.ndarray, count: int) -> np.ndarray:
    """The weights of pixels 0, 1, 2, … from the centre, [batch, count]; all of them sum to 1."""
    distance = np.arange(count)
    # Narrower than this, the neighbours weigh nothing.
    narrow = np.maximum(sigma, 0.05)[:, None]
    exponent = np.maximum(-0.5 * (distance / narrow) ** 2, -600.0)
    weights = elementary.exponential(exponent)
    weights[distance > np.ceil(_DEVIATIONS * narrow)] = 0.0
    return weights / (2 * weights.sum(axis=1, keepdims=True) - weights[:, :1])


@functools.cache
def _quantiles() -> np.ndarray:
    """The middle of each 65,536th of the normal distribution."""
    normal = statistics.NormalDist()
    lower = [normal.inv_cdf((i + 0.5) / 65536) for i in range(32768)]
    # Rounded, so that they are the same on every machine.
    half = np.round(np.array(lower), 9)
    return np.concatenate([half, -half[::-1]])
