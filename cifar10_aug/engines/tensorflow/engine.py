"""The graph engine: a recipe in TensorFlow ops alone.

Draws and pixels are those of the eager engine, also where TensorFlow compiles with XLA; only the
last bit of where a pixel is read may differ there, and so the pixel by a level.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from cifar10_aug._compat import xla_tracing
from cifar10_aug.engines.arguments import check_size
from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.stages import Mix, Mixture, Pass, Process, Smoothing, Stage
from cifar10_aug.engines.tensorflow import mixing, resampling
from cifar10_aug.engines.tensorflow.batch import Batch
from cifar10_aug.engines.tensorflow.drawing import Drawing
from cifar10_aug.engines.tensorflow.mixing import Partners
from cifar10_aug.engines.tensorflow.pixels import as_levels, channels, joined, unpack
from cifar10_aug.engines.tensorflow.pixelwise import painted
from cifar10_aug.engines.tensorflow.processes import processed
from cifar10_aug.engines.tensorflow.tensor_draws import numbers, plus, times, where
from cifar10_aug.ops.compound import WeightedSumOp


class GraphEngine:
    """A recipe made ready to run on images of one size with one seed.

    Attributes:
        plan: what it runs.
    """

    def __init__(
        self, plan: Plan, seed: int, height: int, width: int, *, at_once: bool = False
    ) -> None:
        """Takes the size of images.

        The recipe is one that `support.check` lets pass. A GPU works on a batch `at_once`; see
        `chunks`.

        Raises:
            ValueError: if a side has more than 8,192 pixels.
        """
        check_size(height, width)
        self.plan = plan
        self._seed, self._at_once = seed, at_once
        self._height, self._width = height, width
        self._stages = plan.stages
        self._drawing = Drawing(plan.ops, seed)

    def __call__(
        self, pixels: tf.Tensor, keys: tf.Tensor, epoch: tf.Tensor, partners: Partners | None = None
    ) -> tf.Tensor:
        """Augments a batch.

        Args:
            pixels: packed images of this engine's size, int32 [batch, height * width]; see
                `pixels.pack`.
            keys: int64 [batch], as `draws.example_keys` makes them.
            epoch: int64 [].
            partners: for recipes that mix examples.

        Returns:
            uint8 or float32 [batch, height, width, 3].
        """
        batch = self._through(self._stages, self._batch(pixels, keys, epoch), partners)
        levels = unpack(tf.reshape(batch.pixels, [-1, self._height, self._width]))
        if self.plan.scale_and_offset is None:
            return levels
        scale, offset = self.plan.scale_and_offset
        return times(tf.cast(levels, tf.float32), scale) + offset

    def soft_labels(
        self, labels: tf.Tensor, keys: tf.Tensor, epoch: tf.Tensor, partners: Partners | None
    ) -> tf.Tensor:
        """Mixed or smooth labels, float32 [batch, classes]; `labels` are the examples' own."""
        stages = [stage for stage in self._stages if isinstance(stage, (Mix, Smoothing))]
        size = self._height, self._width
        return mixing.labels(stages, self._drawing, size, labels, keys, epoch, partners)

    def _batch(self, pixels: tf.Tensor, keys: tf.Tensor, epoch: tf.Tensor) -> Batch:
        drawn = self._drawing.of(keys, epoch)
        size = self._height, self._width
        return Batch(
            pixels, *size, keys, epoch, self._seed, drawn, self.plan.dataset, self._at_once
        )

    def _through(self, stages: Sequence[Stage], batch: Batch, partners: Partners | None) -> Batch:
        for i, stage in enumerate(stages):
            if isinstance(stage, Smoothing):
                continue
            if isinstance(stage, Pass):
                batch = _passed(stage, batch)
            elif isinstance(stage, Process):
                batch = batch.with_pixels(xla_tracing.kept(processed(stage.step, batch)))
            elif isinstance(stage, Mixture):
                batch = batch.with_pixels(self._mixture(stage, batch))
            else:
                assert isinstance(stage, Mix), stage
                assert partners is not None, "a recipe that mixes is given partners"
                batch = batch.with_pixels(self._mixed(stage, stages[:i], batch, partners))
        return batch

    def _mixture(self, stage: Mixture, batch: Batch) -> tf.Tensor:
        op = stage.step.op
        assert isinstance(op, WeightedSumOp)
        totals = [tf.zeros_like(batch.pixels, tf.float32)] * 3
        mask = batch.drawn.mask(stage.step)
        for i, weight in enumerate(op.weights(batch.drawn.draws(stage.step))):
            weight = weight if mask is None else where(mask, weight, float(i == 0))
            made = batch if i == 0 else self._through(stage.branches[i - 1], batch, None)
            each = tf.cast(tf.broadcast_to(numbers(weight), [batch.count]), tf.float32)[:, None]
            totals = [
                plus(total, each, tf.cast(levels, tf.float32))
                for total, levels in zip(totals, channels(made.pixels), strict=True)
            ]
        return joined(*(as_levels(numbers(total) + 0.5) for total in totals))

    def _mixed(
        self, stage: Mix, before: Sequence[Stage], batch: Batch, partners: Partners
    ) -> tf.Tensor:
        chosen = mixing.partners_drawn(batch.drawn.draws(stage.steps[0]), partners)
        others = self._batch(partners.pixels(chosen), partners.keys(chosen), batch.epoch)
        others = self._through(before, others, partners)
        made = mixing.boxes_and_shares(stage, batch.drawn, (self._height, self._width))
        return mixing.mixed(made, batch, others.pixels)


def _passed(made: Pass, batch: Batch) -> Batch:
    if made.warps:
        by = resampling.copied if made.pixel_aligned else resampling.blended
        batch = batch.with_pixels(xla_tracing.kept(by(made, batch)))
    for steps in made.strokes:
        batch = batch.with_pixels(painted(steps, batch))
    return batch
