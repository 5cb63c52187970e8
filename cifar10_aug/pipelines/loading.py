"""Epochs of NumPy batches that threads make ahead of their use, without TensorFlow."""

from __future__ import annotations

import collections
import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from cifar10_aug._compat import fork_safety
from cifar10_aug.engines import arguments
from cifar10_aug.errors import PythonOpError
from cifar10_aug.pipelines.blocks import Order, block_sizes, blocks_of, surviving
from cifar10_aug.rng import draws

if TYPE_CHECKING:
    from cifar10_aug.pipelines.eager_examples import Examples

LAYOUTS = ("nhwc", "nchw")
Batch = tuple[np.ndarray, np.ndarray]
# A batch, or what failed in it.
_Made = Batch | PythonOpError


class Batches:
    """The batches of all epochs; owns no threads."""

    def __init__(
        self,
        examples: Examples,
        order: Order,
        batch_size: int,
        *,
        drop_last: bool,
        layout: str,
        workers: int,
    ):
        """Takes what is visited and in what order, and how many threads or processes do it.

        Raises:
            ValueError: if `drop_last` leaves no batch.
        """
        self._examples, self._order = examples, order
        self._size, self._layout = batch_size, layout
        count = len(examples)
        self._stop = count // batch_size * batch_size if drop_last else count
        if not self._stop:
            raise ValueError(
                f"drop_last leaves no batch: there are {count} examples, and batch_size is "
                f"{batch_size}; give a smaller one, or leave drop_last out"
            )
        python_workers = workers if examples.runs_python else None
        self._examples_a_call, self.threads = blocks_of(
            examples.dtype, examples.shape, workers, python_workers
        )

    def __len__(self) -> int:
        return -(-self._stop // self._size)

    def blocks(self, epoch: int, step: int) -> Iterator[np.ndarray]:
        """The positions that each call makes, from a batch of an epoch on: int64 [n] each."""
        positions = self._order.positions(len(self._examples), epoch)[: self._stop]
        positions = positions[step * self._size :]
        sizes = block_sizes(len(positions), self._size, self._examples_a_call)
        return iter(np.split(positions, np.cumsum(sizes)[:-1]))

    def make(self, epoch: int, positions: np.ndarray) -> list[_Made]:
        """The batches of a block; may be called from several threads."""
        size = min(self._size, len(positions))
        ends = range(size, len(positions) + 1, size)
        images, failed = surviving(
            lambda batch: self._examples.images(epoch, positions[batch]),
            ends,
            self._examples.shape,
            self._examples.dtype,
        )
        if self._layout == "nchw":
            images = np.ascontiguousarray(np.moveaxis(images, -1, -3))
        labels = self._examples.labels_at(epoch, positions)
        return [
            PythonOpError(why.decode())
            if why
            else (images[end - size : end], labels[end - size : end])
            for end, why in zip(ends, failed, strict=True)
        ]


class _Epoch:
    """The batches of one epoch, one after the other, a few calls ahead of their use.

    Threads start with the first batch, and anew in a forked process, which has none of its
    parent's. They end with the epoch, or when nobody refers to this any more.
    """

    def __init__(self, batches: Batches, number: int, step: int):
        self.number, self.step = number, step
        self._batches = batches
        self._process: int | None = None
        self._blocks: Iterator[np.ndarray] = iter(())
        self._calls: collections.deque[Future[list[_Made]]] = collections.deque()
        self._made: collections.deque[_Made] = collections.deque()

    def __next__(self) -> Batch:
        """The next batch.

        Raises:
            PythonOpError: if a function of the user's fails on it; later batches can be read.
        """
        if self._process != os.getpid():
            self._begin()
        while not self._made:
            if not self._calls:
                self.close()
                raise StopIteration
            call = self._calls.popleft()
            self._submit()
            try:
                self._made.extend(call.result())
            except BaseException:
                self.close()
                raise
        made = self._made.popleft()
        self.step += 1
        if isinstance(made, PythonOpError):
            raise made
        return made

    def close(self) -> None:
        """Ends the threads; there are no more batches."""
        if self._process == os.getpid():
            self._ending()
            self._calls.clear()
            self._made.clear()
            self._blocks = iter(())

    def _begin(self) -> None:
        self._process = os.getpid()
        self._blocks = self._batches.blocks(self.number, self.step)
        # In a forked process, these are calls of its parent's.
        self._calls.clear()
        self._made.clear()
        self._threads = ThreadPoolExecutor(
            self._batches.threads, "cifar10_aug.Loader", initializer=_mark_this_thread
        )
        self._ending: weakref.finalize[..., Any] = weakref.finalize(
            self, _end, self._threads, self._process
        )
        self._ending.atexit = False
        # One more than there are threads, so that none waits while a batch is used.
        for _ in range(self._batches.threads + 1):
            self._submit()

    def _submit(self) -> None:
        positions = next(self._blocks, None)
        if positions is not None:
            self._calls.append(self._threads.submit(self._batches.make, self.number, positions))


_here = threading.local()


def _mark_this_thread() -> None:
    _here.is_one_of_ours = True


def _end(threads: ThreadPoolExecutor, process: int) -> None:
    """Ends threads, unless they are those of a forked process's parent."""
    if process == os.getpid():
        # Garbage can be collected in any thread, and none can wait for itself.
        wait = not getattr(_here, "is_one_of_ours", False)
        threads.shutdown(wait=wait, cancel_futures=True)


class EpochLoader:
    """Counts epochs by reading them, and remembers where it is."""

    def __init__(self, batches: Batches, start_epoch: int, identity: Mapping[str, Any]):
        """Takes what a state belongs to, values by arguments' names."""
        self._batches = batches
        self._identity = dict(identity)
        self._position = self._following = (start_epoch, 0)
        self._iterations: weakref.WeakSet[_Iteration] = weakref.WeakSet()
        self._lock = fork_safety.Lock()
        self._closed = False

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the next epoch; which one that is, the first batch that is read decides.

        Raises:
            RuntimeError: if the loader is closed.
        """
        self._check_open()
        iteration = _Iteration(self)
        self._iterations.add(iteration)
        return iteration

    @property
    def epoch(self) -> int:
        """The number of the epoch that the batch read last is of.

        Before the first batch of an epoch is read, and after its last, the number of the next.
        """
        return self._position[0]

    def set_epoch(self, epoch: int) -> None:
        """Makes the next iteration begin with this epoch, 0 to 2**32 - 1."""
        number = arguments.checked("epoch", epoch, draws.EPOCH_LIMIT)
        self._position = self._following = (number, 0)

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is, as plain numbers and text: after the batch that was read last."""
        epoch, step = self._position
        return {"epoch": epoch, "step": step, **self._identity}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Makes the next iteration begin with the batch that follows a state.

        Args:
            state: of a loader with the same arguments, in this process or another.

        Raises:
            ValueError: if it is none, or of a loader with other arguments.
        """
        try:
            found = {name: state[name] for name in ("epoch", "step", *self._identity)}
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"no state of a Loader, which {error} is missing from; give what state_dict() "
                "has returned"
            ) from error
        for name, own in self._identity.items():
            if found[name] != own:
                raise ValueError(
                    f"the state is of a Loader with {name}={found[name]!r}, and this one has "
                    f"{own!r}; make it with the same arguments"
                )
        epoch = arguments.checked("epoch", found["epoch"], draws.EPOCH_LIMIT)
        step = arguments.checked("step", found["step"], len(self) + 1)
        self._position = self._following = (epoch, step) if step < len(self) else (epoch + 1, 0)

    def close(self) -> None:
        """Ends all threads; the loader cannot be iterated any more."""
        self._closed = True
        for iteration in list(self._iterations):
            iteration.close()

    def __enter__(self) -> EpochLoader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this Loader is closed; make another one")

    def _begun(self) -> _Epoch:
        """The next epoch, which from now on counts as read."""
        with self._lock:
            number, step = self._following
            arguments.checked("epoch", number, draws.EPOCH_LIMIT)
            self._following = (number + 1, 0)
        return _Epoch(self._batches, number, step)


class _Iteration(Iterator[Batch]):
    """One iteration over a loader."""

    def __init__(self, loader: EpochLoader):
        self._loader = loader
        self._epoch: _Epoch | None = None

    def __next__(self) -> Batch:
        self._loader._check_open()
        if self._epoch is None:
            self._epoch = self._loader._begun()
        epoch = self._epoch
        try:
            batch = next(epoch)
        except StopIteration:
            if self._loader._position == (epoch.number, len(self._loader)):
                self._loader._position = (epoch.number + 1, 0)
            raise
        self._loader._position = (epoch.number, epoch.step)
        return batch

    def close(self) -> None:
        if self._epoch is not None:
            self._epoch.close()
