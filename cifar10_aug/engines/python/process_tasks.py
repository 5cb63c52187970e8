"""What is sent to worker processes, and what they do with it."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import pickle
import sys
from collections.abc import Callable

import cloudpickle
import numpy as np

from cifar10_aug.engines.python import shared_array, worker_process
from cifar10_aug.engines.python.function_calls import Failure
from cifar10_aug.engines.python.image_buffers import Layout, Room

# Functions can carry arrays with them; larger ones are not sent anew with every task.
_LARGEST_SENT = 1 << 16
_MOST_LOADED = 8

Work = Callable[[np.ndarray, np.ndarray, np.ndarray, int], "Failure | None"]


@dataclasses.dataclass(frozen=True)
class Sent:
    """Pickled functions: themselves, or where they are; and where to find what they import."""

    digest: bytes
    import_path: tuple[str, ...]
    pickled: bytes | shared_array.Address
    size: int


class Functions:
    """Functions that worker processes can load.

    Attributes:
        sent: what to send, while this object lives.
    """

    def __init__(self, work: Work):
        pickled = cloudpickle.dumps(work)
        digest = hashlib.sha256(pickled).digest()
        self.sent = Sent(digest, worker_process.import_path(), pickled, len(pickled))
        if shared_array.AVAILABLE and len(pickled) > _LARGEST_SENT:
            self._block = shared_array.Block(len(pickled))
            self._block.memory[:] = np.frombuffer(pickled, np.uint8)
            self.sent = dataclasses.replace(self.sent, pickled=self._block.address)


@dataclasses.dataclass(frozen=True)
class Task:
    """Examples to work on: images that are sent, or a part of a shared room."""

    images: np.ndarray | None
    address: shared_array.Address | None
    layout: Layout
    part: slice

    @staticmethod
    def of(room: Room, part: slice) -> Task:
        sent = room.images[part] if room.address is None else None
        return Task(sent, room.address, room.layout, part)


def do(sent: Sent, task: Task, keys: np.ndarray, epoch: int) -> Failure | np.ndarray | None:
    """Runs in a worker process; returns the results if they are not in shared memory."""
    try:
        work = _loaded(sent)
    except Exception as error:
        return Failure(
            f"a worker process cannot load it ({type(error).__name__}: {error}); what the function "
            "needs must be importable there too"
        )
    if task.address is None:
        assert task.images is not None
        images, results = task.images, np.empty(task.images.shape, task.layout.output)
        answer = results
    else:
        memory = task.address.opened()
        images = task.layout.images(memory)[task.part]
        results = task.layout.results(memory)[task.part]
        answer = None
    with worker_process.ended_by_two_interrupts():
        failure = work(images, results, keys, epoch)
    # An exception need not be picklable.
    return answer if failure is None else dataclasses.replace(failure, cause=None)


_kept: collections.OrderedDict[bytes, Work] = collections.OrderedDict()


def _loaded(sent: Sent) -> Work:
    if sent.digest not in _kept:
        pickled = sent.pickled
        if isinstance(pickled, shared_array.Address):
            pickled = pickled.opened()[: sent.size].tobytes()
        worker_process.extend_import_path(sent.import_path)
        # From the process that started this one.
        _kept[sent.digest] = pickle.loads(pickled)
        if "cv2" in sys.modules:
            sys.modules["cv2"].setNumThreads(1)
        if len(_kept) > _MOST_LOADED:
            _kept.popitem(last=False)
    _kept.move_to_end(sent.digest)
    return _kept[sent.digest]
