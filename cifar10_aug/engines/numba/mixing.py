"""Mixes examples, and their labels, with partners from the same slice of a split."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from cifar10_aug.engines.labels import Partnered, labels_after
from cifar10_aug.engines.numba.drawing import Drawn
from cifar10_aug.engines.numba.kernels.pass_arguments import Mixed
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.stages import Mix, PlannedOp, Smoothing
from cifar10_aug.ops.base import LabelOp
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


def mixed(mix: Mix, drawn: Drawn, batch: int, size: tuple[int, int]) -> tuple[Mixed, np.ndarray]:
    """How a batch is mixed, whichever of the ops an example does; worked out once for its draws.

    Args:
        mix: the ops.
        drawn: by the batch.
        batch: how many examples.
        size: height and width of the images.

    Returns:
        Boxes and shares, and the share of the own label, float32 [batch].
    """
    if id(mix) not in drawn.mixed:
        drawn.mixed[id(mix)] = _mixed(mix, drawn, batch, size)
    return drawn.mixed[id(mix)]


def _mixed(mix: Mix, drawn: Drawn, batch: int, size: tuple[int, int]) -> tuple[Mixed, np.ndarray]:
    boxes, inside = np.zeros((batch, 4), np.int64), np.zeros(batch)
    shrunk = np.zeros(batch, bool)
    for step in mix.steps:
        assert isinstance(step.op, SampleMixOp)
        mixing, mask = step.op.mixing(drawn.draws(step), *size), drawn.mask(step)
        rows = slice(None) if mask is None else mask
        for side, values in enumerate(mixing.boxes):
            boxes[rows, side] = np.broadcast_to(values, batch)[rows]
        inside[rows] = np.broadcast_to(mixing.share, batch)[rows]
        shrunk[rows] = mixing.shrunk
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    own = 1.0 - (1.0 - inside) * areas / (size[0] * size[1])
    shares = np.rint(inside * 65536.0).astype(np.uint32)
    return Mixed(boxes, shares, shrunk), own.astype(np.float32)


def smoothed(labels: np.ndarray, step: PlannedOp, drawn: Drawn) -> np.ndarray:
    """Labels, float32 [batch, classes], after an op on labels alone."""
    assert isinstance(step.op, LabelOp)
    kept, mask = np.float32(step.op.kept()), drawn.mask(step)
    made = labels * kept + (np.float32(1) - kept) / np.float32(labels.shape[1])
    return made if mask is None else np.where(mask[:, None], made, labels)


def labels(
    stages: list[Mix | Smoothing],
    drawn_by: Callable[[np.ndarray, int], Drawn],
    size: tuple[int, int],
    own: np.ndarray,
    keys: np.ndarray,
    epoch: int,
    partners: Partners | None,
) -> np.ndarray:
    """The labels of examples after some stages; see `labels_after`.

    Args:
        stages, own, keys: as there.
        drawn_by: what examples draw for the recipe, by their keys and the epoch.
        size: height and width of the images.
        epoch: of the examples.
        partners: with labels; None if there are no mix ops.
    """

    def partner(stage: Mix, keys: np.ndarray) -> Partnered:
        assert partners is not None, "a recipe that mixes is given partners"
        assert partners.labels is not None, "labels are asked for"
        drawn = drawn_by(keys, epoch)
        chosen = partners_drawn(drawn.draws(stage.steps[0]), partners)
        _, shares = mixed(stage, drawn, len(keys), size)
        return Partnered(shares[:, None], partners.labels[chosen], partners.keys[chosen])

    def smooth(labels: np.ndarray, step: PlannedOp, keys: np.ndarray) -> np.ndarray:
        return smoothed(labels, step, drawn_by(keys, epoch))

    made: np.ndarray = labels_after(stages, own, keys, smooth, partner)
    return made
