"""Compiled random words: what examples draw, and the order in which an epoch visits them."""

from __future__ import annotations

import numpy as np
from numba import uint32, uint64

from cifar10_aug.engines.numba.canvas import Canvas
from cifar10_aug.engines.numba.kernels.compiling import compiled, inlined, inner, loop
from cifar10_aug.rng import draws

philox = inner(draws.philox)
_inlined_philox = inlined(draws.philox)


@loop
def draw_words(
    keys: np.ndarray,
    epochs: np.ndarray,
    seed: int,
    firsts: np.ndarray,
    slots: np.ndarray,
    words: np.ndarray,
) -> None:
    """The random words of every op for every example.

    Args:
        keys: uint64 [batch], as `draws.example_keys` makes them.
        epochs: uint64 [ops], the epoch that each op's words are keyed by.
        seed: uint64.
        firsts: uint64 [ops], the last word of the counter for each op's first block.
        slots: int64 [ops], each op's number of words.
        words: uint32 [sum of slots, batch], which are written.
    """
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    row = 0
    for j in range(firsts.shape[0]):
        epoch = epochs[j]
        for b in range(keys.shape[0]):
            for first in range(0, slots[j], 4):
                four = philox(
                    keys[b] & mask,
                    keys[b] >> half,
                    epoch,
                    firsts[j] + uint64(first // 4),
                    seed & mask,
                    seed >> half,
                )
                left = slots[j] - first
                for lane in range(left if left < 4 else 4):
                    words[row + first + lane, b] = uint32(four[lane])
        row += slots[j]


@loop
def draw_many_words(
    keys: np.ndarray,
    epochs: np.ndarray,
    seed: int,
    firsts: np.ndarray,
    slots: np.ndarray,
    words: np.ndarray,
) -> None:
    """As `draw_words`, by vector code, which takes longer to compile.

    Args:
        keys, epochs, seed, firsts, slots: as there.
        words: uint32 [sum of slots + 3, batch]; the last three rows may be written, too.
    """
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    low, high = seed & mask, seed >> half
    row = 0
    for j in range(firsts.shape[0]):
        epoch = epochs[j] & mask
        for first in range(0, slots[j], 4):
            counter = (firsts[j] + uint64(first // 4)) & mask
            # What an op does not ask for is written over by the words of the next one.
            at = row + first
            a, b, c, d = words[at], words[at + 1], words[at + 2], words[at + 3]
            for i in range(keys.shape[0]):
                key = keys[i]
                four = _inlined_philox(key & mask, key >> half, epoch, counter, low, high)
                a[i], b[i] = uint32(four[0]), uint32(four[1])
                c[i], d[i] = uint32(four[2]), uint32(four[3])
        row += slots[j]


@compiled
def order_keys(count: int, epoch: int, seed: int) -> np.ndarray:
    """62 random bits for each place in an epoch's order, uint64 [count]; sorted, they give it."""
    mask, half, two, thirty = uint64(0xFFFFFFFF), uint64(32), uint64(2), uint64(30)
    position = uint64(draws.ORDER_POSITION) << uint64(draws.POSITION_SHIFT)
    keys = np.empty(count + 1, np.uint64)
    for i in range(0, count, 2):
        four = philox(uint64(i // 2), uint64(0), epoch, position, seed & mask, seed >> half)
        keys[i] = (four[0] << thirty) + (four[1] >> two)
        keys[i + 1] = (four[2] << thirty) + (four[3] >> two)
    return keys[:count]


@compiled
def places_in_order(keys: np.ndarray) -> np.ndarray:
    """The places of random bits by size, of equal ones the earlier first: int64 [count].

    Random keys spread evenly over as many buckets, within which few are left to be sorted.
    """
    count, bits = keys.shape[0], uint64(0)
    while (1 << bits) < count:
        bits += uint64(1)
    shift = uint64(62) - bits
    ends = np.zeros(1 << bits, np.int64)
    for i in range(count):
        ends[keys[i] >> shift] += 1
    # Not `np.cumsum`, as in `draw_words`.
    starts = np.empty_like(ends)
    first = 0
    for bucket in range(ends.shape[0]):
        starts[bucket] = first
        first += ends[bucket]
    order = np.empty(count, np.int64)
    for i in range(count):
        bucket = keys[i] >> shift
        order[starts[bucket]] = i
        starts[bucket] += 1
    for i in range(1, count):
        place, j = order[i], i
        while j > 0 and keys[order[j - 1]] > keys[place]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = place
    return order


@inner
def noise_words(canvas: Canvas, row: int, block: int) -> tuple[int, int, int, int]:
    """Four random words, uint64 of 32 bits each, of an image's noise."""
    return noise(canvas.keys[row], canvas.epoch, canvas.seed, canvas.first_block, block)


@inner
def noise(
    key: int, epoch: int, seed: int, first_block: int, block: int
) -> tuple[int, int, int, int]:
    """As `noise_words`, by the fields of a canvas."""
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    key, counter = _counted(key, first_block, block)
    return philox(key & mask, key >> half, epoch, counter, seed & mask, seed >> half)


@inner
def _counted(key: int, first_block: int, block: int) -> tuple[int, int]:
    """Key and counter of a block of noise; what `first_block` has no room for is in the key."""
    blocks = uint64((1 << draws.POSITION_SHIFT) - 1)
    counted = (first_block & blocks) + uint64(block)
    key += (counted >> uint64(draws.POSITION_SHIFT)) << uint64(draws.CARRY_SHIFT)
    return key, (first_block & ~blocks) | (counted & blocks)


@inner
def from_minus_one(word: int) -> float:
    """A random word as a number from -1 to 1: word / 2147483647.5 - 1, to the last bit."""
    # 1 / (2**32 - 1) is 2**-32 + 2**-64 + ..., and a division takes longer. Of what is left out, no
    # word has a bit that rounding shows.
    double = word * 2.0**-31
    return (double + double * (2.0**-32 + 2.0**-64)) - 1.0


@inner
def fill_noise(canvas: Canvas, row: int, words: np.ndarray) -> None:
    """An image's noise, uint32 [4, blocks], by vector code: ten times as fast as one by one."""
    mask, half = uint64(0xFFFFFFFF), uint64(32)
    # Masked, so that LLVM sees 32 bits, which it multiplies many at once.
    epoch, first = canvas.epoch & mask, canvas.first_block & mask
    low, high, own = canvas.seed & mask, canvas.seed >> half, canvas.keys[row]
    a, b, c, d = words[0], words[1], words[2], words[3]
    for i in range(words.shape[1]):
        key, counter = _counted(own, first, i)
        four = _inlined_philox(key & mask, key >> half, epoch, counter & mask, low, high)
        a[i], b[i] = uint32(four[0]), uint32(four[1])
        c[i], d[i] = uint32(four[2]), uint32(four[3])
