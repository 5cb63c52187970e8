import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from cifar10_aug.recipes.recipe import Recipe

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)
LABELS = np.arange(8)
FLIP, MIXUP = Recipe.parse("flip"), Recipe.parse("mixup")
# With what its types do not allow.
CALLED: Callable[..., Any] = FLIP
ELEMENTS = tf.data.Dataset.from_tensor_slices({"image": IMAGES, "label": LABELS})
NO_VALUES = (
    " have no values yet: they are tensors of a graph that is being built, as in Dataset.map or a "
    "Keras model, and a recipe takes NumPy arrays; let tfds.load augment while it reads, or make "
    "layer = recipe.layer() outside and call the layer there, or call the recipe inside "
    "tf.numpy_function"
)


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("images", lambda: ELEMENTS.map(FLIP)),
        ("images", lambda: ELEMENTS.map(lambda one: FLIP(one["image"], one["label"]))),
        ("images", lambda: tf.function(lambda one: CALLED([one, one]))(IMAGES[0])),
        ("images", lambda: FLIP(keras.Input((32, 32, 3), dtype="uint8"))),
        ("ids", lambda: tf.function(lambda ids: FLIP(IMAGES, ids=ids))(LABELS)),
        ("labels", lambda: tf.function(lambda labels: MIXUP(IMAGES, labels))(LABELS)),
        (
            "images",
            lambda: tf.function(lambda one: MIXUP(IMAGES, partners=(one, None, LABELS)))(IMAGES),
        ),
    ],
)
def test_tensors_without_values_say_what_to_do(what: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=re.escape(what + NO_VALUES)):
        call()


def test_what_it_says_to_do_works() -> None:
    batches, layer = ELEMENTS.batch(4), FLIP.layer()
    for ds in (
        batches.map(lambda one: layer(one["image"])),
        batches.map(lambda one: tf.numpy_function(FLIP, [one["image"]], tf.uint8)),
    ):
        assert [batch.shape for batch in ds.as_numpy_iterator()] == [(4, 32, 32, 3)] * 2
    assert (FLIP(tf.constant(IMAGES)) == FLIP(IMAGES)).all()


def test_a_dict_says_what_to_give() -> None:
    message = (
        "images are a dict with image, label; give what it has under image, such as "
        "recipe(batch['image'], batch['label'], ids=batch['id'])"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        CALLED({"image": IMAGES, "label": LABELS})


def test_lists_of_unequal_lengths_are_numpys_error() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        CALLED([[1], [1, 2]])


def test_only_ids_and_the_epoch_make_batches_differ() -> None:
    images = np.broadcast_to(IMAGES[:1], IMAGES.shape)
    assert (FLIP(images) == FLIP(images)).all()
    assert (FLIP(images) != FLIP(images, ids=range(8, 16))).any()
    assert (FLIP(images) != FLIP(images, epoch=1)).any()
