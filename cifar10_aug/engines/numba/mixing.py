"""Mixes examples, and their labels, with partners from the same slice of a split."""

from __future__ import annotations

import dataclasses

import numpy as np

from cifar10_aug.engines.drawn import Drawn
from cifar10_aug.engines.numba.drawing import Drawing
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.stages import Mix
from cifar10_aug.ops.compound import SampleMixOp
from cifar10_aug.rng.draws import HALF, MASK, SPLIT_NUMBERS, Draws


@dataclasses.dataclass(frozen=True, eq=False)
class Partners:
    """The examples that partners are drawn from, in the order of their keys.

    Attributes:
        source: where their images are.
        rows: int64 [n], which images of the source.
        keys: uint64 [n], see `draws.example_keys`.
        labels: float32 [n, classes], or None if labels are not asked for.
    """

    source: Source
    rows: np.ndarray
    keys: np.ndarray
    labels: np.ndarray | None

    @staticmethod
    def of(
        source: Source, rows: np.ndarray, keys: np.ndarray, labels: np.ndarray | None
    ) -> Partners:
        """The partners among some examples, each once, however often it is given."""
        keys, first = np.unique(keys, return_index=True)
        return Partners(source, rows[first], keys, None if labels is None else labels[first])


def partners_drawn(drawn: Draws, partners: Partners) -> np.ndarray:
    """The place of each example's partner: int64 [batch]."""
    chosen = np.asarray(drawn.integers(0, 0, len(partners.keys) - 1))
    keys = partners.keys[chosen].astype(np.int64)
    drawn.name("partner", keys & int(MASK))
    drawn.name("partnersplit", drawn.take(list(SPLIT_NUMBERS), keys >> int(HALF)))
    return chosen


def boxes_and_shares(
    mix: Mix, drawn: Drawn, batch: int, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `blends.mix` reads, and the share of each example's own label.

    Returns:
        int64 [batch, 4], uint32 [batch], float32 [batch].
    """
    height, width = size
    boxes, inside = np.zeros((batch, 4), np.int64), np.zeros(batch)
    for step in mix.steps:
        assert isinstance(step.op, SampleMixOp)
        mixing, mask = step.op.mixing(drawn.draws(step), height, width), drawn.mask(step)
        rows = slice(None) if mask is None else mask
        for side, values in enumerate(mixing.boxes):
            boxes[rows, side] = np.broadcast_to(values, batch)[rows]
        inside[rows] = np.broadcast_to(mixing.share, batch)[rows]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    own = 1.0 - (1.0 - inside) * areas / (height * width)
    return boxes, np.rint(inside * 65536.0).astype(np.uint32), own.astype(np.float32)


def labels(
    mixes: list[Mix],
    drawing: Drawing,
    size: tuple[int, int],
    own: np.ndarray,
    keys: np.ndarray,
    epoch: int,
    partners: Partners,
) -> np.ndarray:
    """The labels of examples after some mix ops.

    Args:
        mixes: the ops, in the recipe's order.
        drawing: of the recipe.
        size: height and width of the images.
        own: the examples' own labels, float32 [batch, classes].
        keys, epoch: of the examples.
        partners: with labels.

    Returns:
        float32 [batch, classes].
    """
    if not mixes:
        return own
    *before, mix = mixes
    assert partners.labels is not None, "labels are asked for"
    drawn = drawing.of(keys, epoch)
    chosen = partners_drawn(drawn.draws(mix.steps[0]), partners)
    _, _, shares = boxes_and_shares(mix, drawn, len(keys), size)
    mine = labels(before, drawing, size, own, keys, epoch, partners)
    theirs = labels(
        before, drawing, size, partners.labels[chosen], partners.keys[chosen], epoch, partners
    )
    return shares[:, None] * mine + (np.float32(1) - shares[:, None]) * theirs
