"""What becomes of labels, as shares of classes, whichever engine computes them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cifar10_aug.engines.stages import Mix, PlannedOp, Smoothing


class Partnered(NamedTuple):
    """Whom examples are mixed with.

    Attributes:
        share: of each example's own label, float32 [batch, 1].
        labels: of the partners before any stage, float32 [batch, classes].
        keys: of the partners.
    """

    share: Any
    labels: Any
    keys: Any


def labels_after(
    stages: Sequence[Mix | Smoothing],
    own: Any,
    keys: Any,
    smooth: Callable[[Any, PlannedOp, Any], Any],
    partner: Callable[[Mix, Any], Partnered],
    times: Callable[[Any, Any], Any] = operator.mul,
) -> Any:
    """The labels of examples after some stages.

    Args:
        stages: those that change labels, in the recipe's order.
        own: the examples' own labels, float32 [batch, classes].
        keys: of the examples.
        smooth: (labels, step, keys) -> labels, after an op on labels alone.
        partner: (stage, keys) -> partners, whose labels the stages before it change, too.
        times: multiplies.

    Returns:
        float32 [batch, classes].
    """
    if not stages:
        return own
    *before, stage = stages
    mine = labels_after(before, own, keys, smooth, partner, times)
    if isinstance(stage, Smoothing):
        return smooth(mine, stage.step, keys)
    share, labels, their_keys = partner(stage, keys)
    theirs = labels_after(before, labels, their_keys, smooth, partner, times)
    return times(share, mine) + times(np.float32(1) - share, theirs)
