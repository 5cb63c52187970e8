"""The arrays of a `Loader`: their layout, and what becomes of their memory."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tests import functions
from tests.pipelines.comparing import assert_same
from tests.registering import registered

# One for each way in which images come to be written.
WAYS = (
    *("plain", "rotate30+erase", "randaugment+rescale", "mixup+normalize", "augmix"),
    *("speckle", "speckle+normalize", "flip+speckle_p0.5"),
)


@pytest.mark.parametrize("recipe", WAYS)
def test_channels_come_first_if_asked_for(recipe: str, load: Any) -> None:
    how = {"split": "train[:900]+test[:70]", "batch_size": 600}
    with registered({"backend": "threading"}, speckle=functions.speckle):
        last = list(load(recipe, **how))
        first = [load(recipe, layout="nchw", reuse=reuse, **how) for reuse in (False, True)]
        for (images, _), (expected, _) in zip(itertools.chain(*first), last * 2, strict=True):
            assert images.shape[1:] == (3, 32, 32)
            assert images.dtype == expected.dtype
            assert images.flags.c_contiguous
            np.testing.assert_array_equal(images.transpose(0, 2, 3, 1), expected)


def test_no_image_is_transposed_that_compiled_loops_write(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cifar10_aug.engines.numba.target import Target

    monkeypatch.setattr(Target, "write", lambda *_: 1 / 0)
    for recipe in ("rotate30+erase", "mixup+normalize"):
        next(iter(load(recipe, layout="nchw")))


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_batches_can_be_kept_and_changed(layout: str, load: Any) -> None:
    expected = [images.copy() for images, _ in load(layout=layout)]
    loader = load(layout=layout)
    kept = []
    for images, labels in loader:
        kept.append(images.copy())
        images[:] = 0
        labels[:] = 0
    assert_same(zip(expected, expected, strict=True), zip(kept, kept, strict=True))
    kept = [images for images, _ in loader]
    before = [images.copy() for images in kept]
    list(loader)
    assert_same(zip(before, before, strict=True), zip(kept, kept, strict=True))


def owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory another shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@pytest.mark.parametrize(("batch_size", "most"), [(16, 512), (300, 600), (700, 700)])
def test_a_batch_that_is_kept_keeps_few_others(batch_size: int, most: int, load: Any) -> None:
    for images, labels in load(batch_size=batch_size):
        assert owner(images).nbytes <= most * 3072 + 64
        assert owner(labels).nbytes == labels.nbytes


@pytest.mark.parametrize("recipe", ["rotate30+erase", "speckle"])
def test_reused_batches_are_valid_until_the_next(recipe: str, load: Any) -> None:
    with registered({"backend": "threading"}, speckle=functions.speckle):
        expected, loader = load(recipe, batch_size=48), load(recipe, batch_size=48, reuse=True)
        for _ in range(2):
            assert assert_same(loader, expected) == 84


def test_reused_memory_does_not_grow_whatever_is_kept(load: Any) -> None:
    loader = load(batch_size=16, workers=2, reuse=True)
    kept = [images for _ in range(2) for images, _ in loader]
    rooms = {id(owner(images)) for images in kept}
    # Two that are written to, two that wait, and the one that is read.
    assert len(rooms) <= 4
    kept += [images for _ in range(5) for images, _ in loader]
    assert {id(owner(images)) for images in kept} == rooms


def test_iterations_at_the_same_time_do_not_share_memory(load: Any) -> None:
    loader, expected = load(batch_size=16, reuse=True), load(batch_size=16)
    pairs = zip(loader, loader, strict=True), zip(expected, expected, strict=True)
    for pair, expected_pair in zip(*pairs, strict=True):
        assert_same(pair, expected_pair)
