"""A model that records the images it is trained on and validated with, for `test_fit`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug


class Recording:
    """A small Keras model, and the images that it has seen, uint8 [32, 32, 3], in order.

    Attributes:
        model: the model.
        trained: those of each epoch of training.
        validated: those of each validation.
    """

    def __init__(self) -> None:
        self.trained: list[list[np.ndarray]] = []
        self.validated: list[list[np.ndarray]] = []
        trained, validated = self.trained, self.validated

        class Model(tf.keras.Model):
            def train_step(self, data: Any) -> Any:
                _record(trained, data[0])
                return super().train_step(data)

            def test_step(self, data: Any) -> Any:
                _record(validated, data[0])
                return super().test_step(data)

        images = tf.keras.Input((32, 32, 3))
        levels = tf.keras.layers.Flatten()(tf.keras.layers.Rescaling(1 / 255)(images))
        self.model = Model(images, tf.keras.layers.Dense(10)(levels))
        loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile("sgd", loss, jit_compile=False)

    def fit(self, ds: tf.data.Dataset, *, callbacks: Sequence[Any] = (), **kwargs: Any) -> None:
        """As the model's."""
        begins = tf.keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: self.trained.append([]),
            on_test_begin=lambda logs: self.validated.append([]),
        )
        # Keras warns if it is asked to shuffle a dataset.
        self.model.fit(ds, verbose=0, shuffle=False, callbacks=[begins, *callbacks], **kwargs)


def _record(seen: list[list[np.ndarray]], images: tf.Tensor) -> None:
    tf.numpy_function(lambda batch: seen[-1].extend(batch), [images], [])


def load(data_dir: str, recipe: str, engine: str = "eager", **kwargs: Any) -> Any:
    """Pairs in batches of 16."""
    how = {"split": "train[:50]", "batch_size": 16, "shuffle_files": True, **kwargs}
    options = how.pop("builder_kwargs", {})
    return tfds.load(
        f"cifar10_aug/{recipe}",
        data_dir=data_dir,
        as_supervised=True,
        builder_kwargs={"engine": engine, **options},
        **how,
    )


def epochs_of(
    recipe: str, images: np.ndarray, seen: Iterable[Iterable[np.ndarray]], first: int = 0
) -> list[int]:
    """The number of the epoch that each of `seen` is, in whatever order.

    Args:
        recipe: its name.
        images: those of the split, clean.
        seen: what has arrived in each epoch.
        first: the place of the first of `images` in the whole split.
    """
    parsed, ids = cifar10_aug.Recipe.parse(recipe), range(first, first + len(images))
    known = [_sorted(parsed(images, ids=ids, epoch=epoch)) for epoch in range(8)]
    return [known.index(_sorted(one)) for one in seen]


def _sorted(images: Iterable[np.ndarray]) -> list[bytes]:
    return sorted(image.tobytes() for image in images)
