"""Several views of each example, by the eager engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cifar10_aug.engines.numba.buffers import Buffers
from cifar10_aug.engines.numba.engine import Engine
from cifar10_aug.engines.numba.mixing import Partners
from cifar10_aug.engines.numba.source import Source
from cifar10_aug.engines.numba.target import Target
from cifar10_aug.engines.plan import Plan
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.rng import draws


class Views:
    """The engines of several views; called as one engine is.

    Attributes:
        plan: of all views.
    """

    def __init__(self, plan: Plan, engines: list[tuple[Engine, np.ndarray]], buffers: Buffers):
        """Takes the engines, each with the numbers of its views; view 0 is the first one's."""
        self.plan = plan
        self._engines, self._buffers = engines, buffers

    def __call__(
        self,
        source: Source,
        rows: np.ndarray,
        keys: np.ndarray,
        epoch: int,
        partners: Partners | None = None,
    ) -> np.ndarray:
        """See `Engine`.

        Returns:
            uint8 or float32 [batch, views, height, width, 3].
        """
        made = list(self._made(source, rows, keys, epoch))
        if len(made) == 1:
            return made[0][0]
        shape = (len(rows), *self.plan.shape(source.height, source.width))
        out = self._buffers.empty(shape, made[0][0].dtype)
        for images, numbers in made:
            out[:, numbers] = images
        return out

    def _made(
        self, source: Source, rows: np.ndarray, keys: np.ndarray, epoch: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What each engine makes, [batch, its views, height, width, 3], and of which views."""
        for engine, numbers in self._engines:
            theirs = keys[:, None] + draws.of_views(numbers)
            images = engine(source, np.repeat(rows, len(numbers)), theirs.ravel(), epoch)
            yield images.reshape(*theirs.shape, *images.shape[1:]), numbers

    def write(
        self,
        source: Source,
        rows: np.ndarray,
        keys: np.ndarray,
        epoch: int,
        partners: Partners | None,
        target: Target,
    ) -> None:
        """See `Engine`; a copy only if views differ."""
        if len(self._engines) > 1:
            for images, of_views in self._made(source, rows, keys, epoch):
                target.write(images, of_views)
            return
        engine, numbers = self._engines[0]
        theirs = keys[:, None] + draws.of_views(numbers)
        rows = np.repeat(rows, len(numbers))
        engine.write(source, rows, theirs.ravel(), epoch, partners, target.views_apart())

    def soft_labels(
        self, labels: np.ndarray, keys: np.ndarray, epoch: int, partners: Partners | None
    ) -> np.ndarray:
        """See `Engine`; the label of an example is that of its view 0."""
        return self._engines[0][0].soft_labels(labels, keys, epoch, partners)


AnyEngine = Engine | Views


def engine(
    plan: Plan,
    seed: int,
    height: int,
    width: int,
    execution: Execution | None = None,
    buffers: Buffers | None = None,
    *,
    fractions: bool = False,
) -> AnyEngine:
    """What runs a plan, of one image of an example or of several views; see `Engine`."""
    if not plan.views:
        return Engine(plan, seed, height, width, execution, buffers, fractions=fractions)
    buffers = Buffers() if buffers is None else buffers
    engines = [
        (Engine(one, seed, height, width, execution, buffers, fractions=fractions), numbers)
        for one, numbers in plan.alike
    ]
    return Views(plan, engines, buffers)
