"""What the ops of a recipe draw for a batch of examples."""

from __future__ import annotations

import numpy as np

from cifar10_aug.engines.drawn import Drawn
from cifar10_aug.ops.base import Op


class Drawing:
    """The random words of a recipe with one seed, for any batch and epoch."""

    def __init__(self, ops: tuple[Op, ...], seed: int):
        drawing = [(position, op) for position, op in enumerate(ops) if op.slots]
        self.seed = np.uint64(seed)
        self._positions = np.array([position for position, _ in drawing], np.int64)
        self._slots = np.array([op.slots for _, op in drawing], np.int64)
        self._every_epoch = np.array([op.every_epoch for _, op in drawing], bool)
        firsts = np.cumsum(self._slots) - self._slots
        self._firsts = dict(zip(self._positions.tolist(), firsts.tolist(), strict=True))

    def of(self, keys: np.ndarray, epoch: int) -> Drawn:
        """What examples draw; their keys are uint64 [batch], see `draws.example_keys`."""
        if not len(self._slots):
            return Drawn(np.empty((0, len(keys)), np.uint32), {}, epoch)
        from cifar10_aug.engines.numba.kernels import philox

        epochs = np.where(self._every_epoch, np.uint64(epoch), np.uint64(0))
        drawn = philox.draw_words(keys, epochs, self.seed, self._positions, self._slots)
        return Drawn(drawn, self._firsts, epoch)
