"""Several views of each example, by the graph engine."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.tensorflow.engine import GraphEngine
from cifar10_aug.engines.tensorflow.mixing import Partners
from cifar10_aug.rng import draws


class GraphViews:
    """The engines of several views; called as one engine is.

    Attributes:
        plan: of all views.
    """

    def __init__(self, plan: Plan, seed: int, height: int, width: int):
        """Takes what `GraphEngine` takes."""
        self.plan = plan
        self._engines = [
            (GraphEngine(one, seed, height, width), numbers) for one, numbers in plan.alike
        ]
        found = np.concatenate([numbers for _, numbers in self._engines])
        self._places = np.argsort(found)

    def __call__(
        self, pixels: tf.Tensor, keys: tf.Tensor, epoch: tf.Tensor, partners: Partners | None = None
    ) -> tf.Tensor:
        """See `GraphEngine`.

        Returns:
            uint8 or float32 [batch, views, height, width, 3].
        """
        made = []
        for engine, numbers in self._engines:
            count = len(numbers)
            repeated = tf.reshape(tf.tile(pixels, [1, count]), [-1, pixels.shape[1]])
            theirs = keys[:, None] + draws.of_views(numbers).astype(np.int64)
            images = engine(repeated, tf.reshape(theirs, [-1]), epoch)
            made.append(tf.reshape(images, [-1, count, *images.shape[1:]]))
        return made[0] if len(made) == 1 else tf.gather(tf.concat(made, 1), self._places, axis=1)

    def soft_labels(
        self, labels: tf.Tensor, keys: tf.Tensor, epoch: tf.Tensor, partners: Partners | None
    ) -> tf.Tensor:
        """See `GraphEngine`; the label of an example is that of its view 0."""
        return self._engines[0][0].soft_labels(labels, keys, epoch, partners)


def engine(plan: Plan, seed: int, height: int, width: int) -> GraphEngine | GraphViews:
    """What runs a plan, of one image of an example or of several views; see `GraphEngine`."""
    return (GraphViews if plan.views else GraphEngine)(plan, seed, height, width)
