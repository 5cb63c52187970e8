"""The models that the training scripts train."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

CLASSES = 10


def cnn() -> keras.Model:
    """14 layers: the model by which the method that this package replaces was judged.

    Three convolutions with 32 filters, five with 128, three with 256, all 3 x 3, with max-pooling
    between; global average pooling; dense layers with 1000, 128 and 10 units.
    """
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for group, (count, filters) in enumerate(((3, 32), (5, 128), (3, 256))):
        if group:
            model.add(layers.MaxPooling2D())
        for _ in range(count):
            model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
    model.add(layers.GlobalAveragePooling2D())
    for units in (1000, 128):
        model.add(layers.Dense(units, activation="relu"))
    model.add(layers.Dense(CLASSES))
    return model


def resnet() -> keras.Model:
    """A small residual network: 16, 32 and 64 filters, 118,000 parameters, 12 million products."""
    inputs = keras.Input((32, 32, 3))
    images = _convolved(inputs, 16, 1)
    for filters in (32, 64):
        images = _convolved(images, filters, 2)
        images = layers.Add()([images, _convolved(_convolved(images, filters, 1), filters, 1)])
    pooled = layers.Concatenate()(
        [layers.GlobalAveragePooling2D()(images), layers.GlobalMaxPooling2D()(images)]
    )
    return keras.Model(inputs, layers.Dense(CLASSES)(pooled))


def _convolved(images: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    made = layers.Conv2D(filters, 3, stride, "same", use_bias=False)(images)
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(made))


MODELS: dict[str, Callable[[], keras.Model]] = {"cnn": cnn, "resnet": resnet}
