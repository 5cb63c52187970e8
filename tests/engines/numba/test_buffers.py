import numpy as np

from cifar10_aug.engines.numba.buffers import Buffers

SHAPE = (100, 100)


def test_memory_is_used_again_when_nobody_looks_at_it() -> None:
    buffers = Buffers()
    first = buffers.empty(SHAPE, np.uint8)
    address = first.ctypes.data
    del first
    assert buffers.empty(SHAPE, np.uint8).ctypes.data == address


def test_memory_is_left_alone_while_a_view_lives() -> None:
    buffers = Buffers()
    first = buffers.empty(SHAPE, np.uint8)
    view = first[3:4, 5:]
    first[:] = 7
    del first
    for _ in range(3):
        buffers.empty(SHAPE, np.uint8)[:] = 9
    assert (view == 7).all()


def test_arrays_that_live_at_once_are_apart() -> None:
    buffers = Buffers()
    arrays = [buffers.empty(SHAPE, np.uint8) for _ in range(20)]
    for i, array in enumerate(arrays):
        array[:] = i
    assert [int(array[0, 0]) for array in arrays] == list(range(20))


def test_arrays_start_where_tensorflow_takes_them_over() -> None:
    buffers = Buffers()
    kept = [buffers.empty((n, 3), np.float32) for n in range(1, 12)]
    assert all(array.ctypes.data % 64 == 0 for array in kept)


def test_small_memory_gives_way_to_larger() -> None:
    """The first calls of a pipeline make few images, later calls many."""
    buffers = Buffers()
    small = [buffers.empty((n,), np.uint8) for n in range(1, 12)]
    del small
    large = buffers.empty(SHAPE, np.uint8)
    address = large.ctypes.data
    del large
    assert buffers.empty(SHAPE, np.uint8).ctypes.data == address


def test_small_memory_that_nobody_looks_at_is_not_kept_beside_larger() -> None:
    buffers = Buffers()
    for size in (10, 100, 1000):
        buffers.empty((size,), np.uint8)
    assert [len(memory) >= 1000 for memory in buffers._kept] == [True]


def test_memory_that_is_too_large_is_not_kept() -> None:
    buffers = Buffers(2, largest=1000)
    buffers.empty((2000,), np.uint8)
    assert buffers._kept == []
    buffers.empty((900,), np.uint8)
    assert len(buffers._kept) == 1


def test_an_array_without_elements_takes_no_memory_from_others() -> None:
    buffers = Buffers()
    first = buffers.empty(SHAPE, np.uint8)
    address = first.ctypes.data
    del first
    nothing = buffers.empty((0, 100), np.uint8)
    assert nothing.shape == (0, 100)
    assert buffers.empty(SHAPE, np.uint8).ctypes.data == address
