import numpy as np

from cifar10_aug.data import sample as drawn
from cifar10_aug.data.spec import SAMPLE


def test_the_sample_is_the_same_bytes_everywhere() -> None:
    assert drawn.read().content_digest() == (
        "sha256:ae41bc8612b38b86238835b8bdd4a780efabb2c515388a045d9c6e6da50703bb"
    )


def test_the_sample_has_the_shapes_of_cifar10() -> None:
    sample = drawn.read()
    assert sample.train.images.shape == (4000, 32, 32, 3)
    assert sample.test.images.shape == (1000, 32, 32, 3)
    assert sample.train.images.dtype == np.uint8
    for split in sample.splits.values():
        assert set(np.bincount(split.labels)) == {len(split) // 10}
    assert len(SAMPLE.class_names) == 10
    assert not sample.provenance.official


def test_no_picture_is_drawn_twice() -> None:
    sample = drawn.read()
    pictures = np.concatenate([sample.train.images, sample.test.images]).reshape(5000, -1)
    assert len(np.unique(pictures, axis=0)) == 5000
