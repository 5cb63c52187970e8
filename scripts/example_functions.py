"""Your own functions as ops, one of each kind: the README's example."""

import albumentations as A
import numpy as np
import tensorflow as tf
from PIL import Image, ImageFilter

import cifar10_aug


@cifar10_aug.register("sepia")
def sepia(image, rng, strength=0.5):
    """Browns the image, more or less."""
    brown = image.mean(axis=-1, keepdims=True) * [1.07, 0.74, 0.43]
    share = strength * rng.random()
    return np.clip(image * (1 - share) + brown * share, 0, 255).astype(np.uint8)


@cifar10_aug.register("softfocus")
def softfocus(image, rng, radius=1.0):
    """Pillow's blur."""
    blurred = Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius * rng.random()))
    return np.asarray(blurred)


@cifar10_aug.register("colours")
def colours(image, rng):
    """A transform of Albumentations, which takes a seed."""
    transform = A.Compose([A.HueSaturationValue(p=1)], seed=int(rng.integers(2**31)))
    return transform(image=image)["image"]


@cifar10_aug.register("kerasshear")
@cifar10_aug.seeded  # It draws from NumPy's global generator.
def kerasshear(image, rng, intensity=30):
    """Keras's random_shear."""
    return tf.keras.preprocessing.image.random_shear(image, intensity, 0, 1, 2)


@cifar10_aug.register("speckle", batched=True)
def speckle(images, rngs, share=0.05):
    """A whole batch at once: uint8 [batch, 32, 32, 3], and a generator an example."""
    for image, rng in zip(images, rngs, strict=True):
        image[rng.random(image.shape[:2]) < share] = 255
    return images


@cifar10_aug.register("standardize", output="float32")
def standardize(image, rng):
    """Mean 0 and deviation 1, image by image."""
    levels = image.astype(np.float32)
    return (levels - levels.mean()) / max(levels.std(), np.float32(1))
