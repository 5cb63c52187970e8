import gc
import os
import subprocess
import sys

import numpy as np
import pytest

from cifar10_aug.engines.python import shared_array

pytestmark = pytest.mark.skipif(not shared_array.AVAILABLE, reason="shared memory is for Linux")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_another_process_sees_and_writes_the_same_memory() -> None:
    block = shared_array.Block(1000)
    block.memory[:] = 7
    program = (
        "import sys; from cifar10_aug.engines.python.shared_array import Address\n"
        "memory = Address(sys.argv[1], bytes.fromhex(sys.argv[2])).opened()\n"
        "assert (memory == 7).all() and len(memory) == 1000\n"
        "memory[10:20] = 9\n"
    )
    path, token = block.address.path, block.address.token.hex()
    subprocess.run([sys.executable, "-c", program, path, token], check=True)
    assert block.memory.tolist() == [7] * 10 + [9] * 10 + [7] * 980


def test_a_block_that_has_gone_is_not_taken_for_another() -> None:
    # So that no file of another test is closed in the meantime.
    gc.collect()
    block = shared_array.Block(64)
    address = block.address
    del block
    gc.collect()
    other = shared_array.Block(64)
    # The operating system gives the lowest free number, which is the one that was let go of.
    assert other.address.path == address.path
    with pytest.raises(FileNotFoundError, match="no longer what it was"):
        address.opened()


def test_a_file_under_an_old_number_is_left_alone(tmp_path: object) -> None:
    # So that no file of another test is closed in the meantime.
    gc.collect()
    block = shared_array.Block(64)
    address = block.address
    del block
    gc.collect()
    path = f"{tmp_path}/theirs"
    with open(path, "w+b") as file:
        file.write(b"theirs")
        file.flush()
        assert address.path.endswith(f"/{file.fileno()}")
        with pytest.raises(FileNotFoundError):
            address.opened()
    with open(path, "rb") as file:
        assert file.read() == b"theirs"


def test_blocks_are_used_again_and_let_go_of() -> None:
    before = descriptors()
    blocks = shared_array.Blocks()
    first = blocks.take(1000)
    second = blocks.take(1000)
    assert second is not first
    blocks.give_back(first)
    assert blocks.take(1001) is not first
    assert blocks.take(900) is first
    many = [blocks.take(10) for _ in range(20)]
    for block in many:
        blocks.give_back(block)
    del many, block
    gc.collect()
    # Python keeps a second descriptor for each mapping.
    assert descriptors() - before <= 2 * (3 + shared_array._MOST_KEPT)
    large = blocks.take(shared_array._LARGEST_KEPT + 1)
    blocks.give_back(large)
    del first, second, large, blocks
    gc.collect()
    assert descriptors() == before


def test_memory_is_aligned_for_every_dtype() -> None:
    assert shared_array.Block(10).memory.ctypes.data % 64 == 0
    assert np.frombuffer(shared_array.Block(64).memory, np.float64).shape == (8,)
