"""Ops as layers of Keras, which take whole batches of floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

_L = tf.keras.layers
_MEAN, _VARIANCE = [125.3, 123.0, 113.9], [3967.0, 3855.0, 4450.0]

# By the names of ops.
WAYS: dict[str, Any] = {
    "rotate": _L.RandomRotation(30 / 360, fill_mode="nearest"),
    "shift": _L.RandomTranslation(0.3, 0.3, fill_mode="nearest"),
    "zoom": _L.RandomZoom(0.5, 0.5, fill_mode="nearest"),
    "shearx": _L.RandomShear(0.3, fill_mode="nearest"),
    "sheary": _L.RandomShear(0.0, 0.3, fill_mode="nearest"),
    "flip": _L.RandomFlip("horizontal"),
    "flipud": _L.RandomFlip("vertical"),
    "crop": tf.keras.Sequential([_L.ZeroPadding2D(4), _L.RandomCrop(32, 32)]),
    "contrast": _L.RandomContrast(0.4),
    "saturation": _L.RandomSaturation(0.4),
    "invert": _L.RandomInvert(1.0),
    "autocontrast": _L.AutoContrast(),
    "equalize": _L.Equalization(),
    "posterize": _L.RandomPosterization(4),
    "solarize": _L.Solarization(0.0, (0.5, 0.5)),
    "gray": _L.RandomGrayscale(1.0),
    "mixup": _L.MixUp(1.0),
    "cutmix": _L.CutMix(1.0),
    "randaugment": _L.RandAugment(),
    "augmix": _L.AugMix(),
    "rescale": _L.Rescaling(1 / 255),
    "normalize": _L.Normalization(mean=_MEAN, variance=_VARIANCE),
}


def made(layer: Any, images: np.ndarray) -> np.ndarray:
    """A batch; mixing layers take labels, too."""
    floats = tf.cast(images, tf.float32)
    if type(layer).__name__ in ("MixUp", "CutMix"):
        labels = tf.one_hot(np.arange(len(images)) % 10, 10)
        return layer({"images": floats, "labels": labels}, training=True)["images"].numpy()
    return layer(floats, training=True).numpy()
