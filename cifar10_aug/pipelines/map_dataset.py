"""Random access to the examples of a loader, for samplers and workers of other libraries."""

from __future__ import annotations

import ctypes
import multiprocessing
import operator
from collections.abc import Callable, Sequence
from multiprocessing import context
from typing import Any

import numpy as np

from cifar10_aug.engines import arguments
from cifar10_aug.pipelines.numpy_batches import Batches
from cifar10_aug.rng import draws

# A function that opens the same examples in another process, and its arguments; picklable.
Opening = tuple[Callable[..., "MapDataset"], tuple[Any, ...]]


class MapDataset:
    """Examples by number, as `torch.utils.data.DataLoader` reads them: `dataset[i]`.

    Pixels are those of the loader for the same epoch and example. A worker process, forked or
    spawned, has the epoch that `set_epoch` has set last in the process that it belongs to, so
    `persistent_workers` follow, too. A copy by `pickle` alone has its own epoch.
    """

    def __init__(self, batches: Batches, epoch: int, opening: Callable[[], Opening]):
        """Takes the batches that examples are from, an epoch, and how to open them elsewhere."""
        self._batches = batches
        self._opening = opening
        # In memory that workers share.
        self._epoch = multiprocessing.RawValue(ctypes.c_uint64, epoch)

    @property
    def epoch(self) -> int:
        """Which epoch examples are of."""
        return int(self._epoch.value)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch, 0 to 2**32 - 1, here and in all workers; call it between epochs."""
        self._epoch.value = arguments.checked("epoch", epoch, draws.EPOCH_LIMIT)

    def __len__(self) -> int:
        """How many examples there are."""
        return self._batches.examples

    def __getitem__(self, number: int) -> tuple[np.ndarray, Any]:
        """(image, label) of one example; batches are quicker, see `__getitems__`.

        Raises:
            IndexError: if there is no such example.
            PythonOpError: if a function of the user's fails on it.
        """
        return self.__getitems__([number])[0]

    def __getitems__(self, numbers: Sequence[int]) -> list[tuple[np.ndarray, Any]]:
        """(image, label) of some examples, made by one call; `DataLoader` calls this for a batch.

        Images are uint8 or float32 [32, 32, 3], or [3, 32, 32] if the loader's layout is "nchw",
        labels whole numbers, or float32 [classes] if the recipe mixes or smooths them.

        Raises:
            IndexError: if there is no such example.
            PythonOpError: if a function of the user's fails on one.
        """
        images, labels = self._batches.some(self.epoch, self._positions(numbers))
        return list(zip(images, labels if labels.ndim > 1 else labels.tolist(), strict=True))

    def __reduce__(self) -> Any:
        # Memory can be shared only with a process that is being started.
        spawning = context.get_spawning_popen() is not None
        return _opened, (*self._opening(), self._epoch if spawning else self.epoch)

    def _positions(self, numbers: Sequence[int]) -> np.ndarray:
        count = len(self)
        positions = np.array([operator.index(number) for number in numbers], np.int64)
        wrong = positions[(positions < -count) | (positions >= count)]
        if len(wrong):
            raise IndexError(f"there is no example {wrong[0]}; give 0 to {count - 1}")
        return positions % count


def _opened(opening: Callable[..., MapDataset], given: tuple[Any, ...], epoch: Any) -> MapDataset:
    made = opening(*given)
    if isinstance(epoch, int):
        made.set_epoch(epoch)
    else:
        made._epoch = epoch
    return made
