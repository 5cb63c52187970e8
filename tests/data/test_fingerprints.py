from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from cifar10_aug.data import fingerprints


def test_graphs_make_the_same_fingerprint(made: Any) -> None:
    images, labels = made.train_images, made.train_labels
    texts = tf.constant([image.tobytes() for image in images])
    found = tf.function(lambda *args: fingerprints.total(fingerprints.rows(*args)))(texts, labels)
    assert int(found) == fingerprints.signed(fingerprints.of(images, labels))


def test_parts_add_up(made: Any) -> None:
    images, labels = made.train_images, made.train_labels
    parts = sum(
        fingerprints.of(images[first : first + 30], labels[first : first + 30], first)
        for first in range(0, 100, 30)
    )
    assert parts % 2**64 == fingerprints.of(images, labels)


def test_it_never_changes() -> None:
    images = np.arange(2 * 3072).astype(np.uint8).reshape(2, 32, 32, 3)
    assert fingerprints.text(fingerprints.of(images, np.array([3, 9]))) == "a62628830b232c92"


@pytest.mark.parametrize("what", ["bit", "label", "images", "labels", "everything"])
def test_every_change_is_noticed(what: str, made: Any) -> None:
    before = fingerprints.of(made.train_images, made.train_labels)
    rng = np.random.default_rng(0)
    for _ in range(200):
        images, labels = made.train_images.copy(), made.train_labels.copy()
        one, two = rng.choice(np.flatnonzero(labels != labels[0]), 2)[0], 0
        if what == "bit":
            row, column, channel, bit = rng.integers((32, 32, 3, 8))
            images[one, row, column, channel] ^= 1 << bit
        if what == "label":
            labels[one] = (labels[one] + 1) % 10
        if what in ("images", "everything"):
            images[[one, two]] = images[[two, one]]
        if what in ("labels", "everything"):
            labels[[one, two]] = labels[[two, one]]
        assert fingerprints.of(images, labels) != before
