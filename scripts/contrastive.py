"""SimCLR: what learns from two views of each image, its loss, and a linear probe of its features.

Chen, Kornblith, Norouzi and Hinton, "A Simple Framework for Contrastive Learning of Visual
Representations" (2020), arXiv:2002.05709.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from models import CLASSES, MODELS

HIDDEN, PROJECTED = 128, 64
# Of the probe's ridge, for features of deviation 1; from 1e-5 to 0.1 it makes no difference.
RIDGE = 1e-3


@keras.saving.register_keras_serializable("cifar10_aug")
class NTXent(keras.losses.Loss):
    """The paper's loss, equation 1: find an image's other view among all views of the batch.

    -log(exp(s[i, j] / t) / sum over k != i of exp(s[i, k] / t)), where j is the other view of i,
    s the cosine of two projections and t the temperature; labels are not used.
    """

    def __init__(self, temperature: float, name: str = "nt_xent", **options: Any):
        super().__init__(name=name, **options)
        self.temperature = temperature

    def call(self, labels: Any, projections: Any) -> Any:
        """Float [2 * batch] losses of projections [batch, 2, n]."""
        batch = ops.shape(projections)[0]
        views = ops.concatenate([projections[:, 0], projections[:, 1]])
        unit = ops.normalize(views, axis=-1)
        similar = ops.matmul(unit, ops.transpose(unit)) / self.temperature
        # No view is compared with itself.
        similar = ops.where(ops.eye(2 * batch, dtype="bool"), -1e9, similar)
        other = ops.roll(ops.arange(2 * batch), batch)
        return keras.losses.sparse_categorical_crossentropy(other, similar, from_logits=True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature}


def encoder(model: str) -> keras.Model:
    """Features of uint8 images: a model without its last layer, on images of equal brightness.

    Each channel of an image is brought to mean 0 and deviation 1. Two views of an image have nearly
    its colours; pairs could be told by them alone, and nothing else would be learned.
    """
    whole = MODELS[model]()
    images = keras.Input((32, 32, 3))
    standard = layers.GroupNormalization(groups=-1, center=False, scale=False)(
        layers.Rescaling(1 / 255)(images)
    )
    features = keras.Model(whole.inputs, whole.layers[-1].input)(standard)
    return keras.Model(images, features, name="encoder")


def learner(model: str) -> keras.Model:
    """Projections [batch, 2, 64] of two views [batch, 2, 32, 32, 3], by the encoder and a head."""
    views = keras.Input((2, 32, 32, 3))
    features = encoder(model)(ops.reshape(views, (-1, 32, 32, 3)))
    hidden = layers.Dense(HIDDEN, activation="relu")(features)
    projections = layers.Dense(PROJECTED)(hidden)
    return keras.Model(views, ops.reshape(projections, (-1, 2, PROJECTED)))


class Probe(keras.callbacks.Callback):
    """Adds to the logs of each epoch what a linear classifier of the features reaches.

    `probe` is its accuracy on test images; `untrained`, in the first epoch, that of the network
    with the weights that it began with.
    """

    def __init__(self, train: Iterable[Any], test: Iterable[Any]):
        """Takes batches of clean uint8 images and labels."""
        super().__init__()
        self._train, self._test = train, test
        self._untrained: dict[str, float] = {}

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self._encoder = model.get_layer("encoder")
        self._encoder.jit_compile = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._untrained = {} if epoch else {"untrained": self._accuracy()}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs.update(self._untrained, probe=self._accuracy())

    def _accuracy(self) -> float:
        return linear_accuracy(self._features(self._train), self._features(self._test))

    def _features(self, batches: Iterable[Any]) -> tuple[np.ndarray, np.ndarray]:
        made = [(self._encoder.predict_on_batch(images), labels) for images, labels in batches]
        return np.concatenate([each for each, _ in made]), np.concatenate([y for _, y in made])


def linear_accuracy(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> float:
    """How many of the test examples the best linear classifier of the training examples knows.

    Ridge regression of the classes, one-hot, on the features, in closed form.

    Args:
        train: features, float [n, m], and labels, int [n].
        test: the same of other examples.

    Returns:
        A fraction, from 0 to 1.
    """
    features, labels = train
    mean, deviation = features.mean(0), features.std(0) + 1e-6

    def inputs(features: np.ndarray) -> np.ndarray:
        standard = (features.astype(np.float64) - mean) / deviation
        return np.c_[standard, np.ones(len(features))]

    x = inputs(features)
    gram = x.T @ x + RIDGE * len(x) * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x.T @ np.eye(CLASSES)[labels])
    return float((np.argmax(inputs(test[0]) @ weights, 1) == test[1]).mean())
