"""Other ways to rotate by up to 30 degrees and to erase, each as its users would write it.

Every function takes images, labels and a batch size, and returns shuffled, prefetched batches of
augmented images with their labels, uint8. What a peer cannot do, its entry in `PEERS` says.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import joblib
import numpy as np
import tensorflow as tf
from PIL import Image

DEGREES = 30


def erase(image: np.ndarray, rng: Any = np.random) -> np.ndarray:
    """Random erasing as its paper has it; changes the image."""
    if rng.random() < 0.5:
        height, width, _ = image.shape
        while True:
            area = rng.uniform(0.02, 0.4) * height * width
            aspect = np.exp(rng.uniform(np.log(0.3), np.log(3.3)))
            tall, wide = int(np.sqrt(area * aspect)), int(np.sqrt(area / aspect))
            top, left = int(rng.random() * height), int(rng.random() * width)
            if top + tall <= height and left + wide <= width:
                break
        image[top : top + tall, left : left + wide] = int(rng.random() * 256)
    return image


def keras_rotate_and_erase(image: np.ndarray) -> np.ndarray:
    turned = tf.keras.preprocessing.image.random_rotation(
        image, DEGREES, row_axis=0, col_axis=1, channel_axis=2
    )
    return erase(turned.astype(np.uint8))


def joblib_and_keras(images: np.ndarray, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """The method that this package replaces: joblib over many images, inside py_function.

    It gets 4,096 images a call, because a call for each batch costs it several times as much.
    """
    workers = joblib.Parallel(n_jobs=joblib.cpu_count(), batch_size=256)
    workers.__enter__()  # Keeps the processes from one call to the next.

    def augment(batch: Any) -> np.ndarray:
        done = workers(joblib.delayed(keras_rotate_and_erase)(image) for image in batch.numpy())
        return np.stack(done)

    def in_graph(batch: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        made = tf.py_function(augment, [batch], tf.uint8)
        made.set_shape([None, *images.shape[1:]])
        return made, label

    slices = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images))
    made = slices.batch(4096).map(in_graph)
    return made.unbatch().batch(batch_size).prefetch(tf.data.AUTOTUNE)


Make = Callable[[np.ndarray, np.ndarray, int], Iterable[Any]]


def in_python(augment: Callable[[np.ndarray], np.ndarray], calls: int = tf.data.AUTOTUNE) -> Make:
    """A `numpy_function` that augments a batch of images; only indices are shuffled."""

    def make(images: np.ndarray, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
        def batch(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return augment(images[indices]), labels[indices]

        def in_graph(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            made, label = tf.numpy_function(batch, [indices], (tf.uint8, tf.int64))
            made.set_shape([None, *images.shape[1:]])
            label.set_shape([None])
            return made, label

        ds = tf.data.Dataset.range(len(images)).shuffle(len(images)).batch(batch_size)
        return ds.map(in_graph, num_parallel_calls=calls).prefetch(tf.data.AUTOTUNE)

    return make


def image_by_image(augment: Callable[[np.ndarray], np.ndarray]) -> Make:
    """The same with a loop over the batch."""
    return in_python(lambda images: np.stack([augment(image) for image in images]))


def pillow(image: np.ndarray) -> np.ndarray:
    angle = np.random.uniform(-DEGREES, DEGREES)
    turned = Image.fromarray(image).rotate(angle, Image.Resampling.BILINEAR)
    return erase(np.array(turned))


def opencv_batch(images: np.ndarray) -> np.ndarray:
    """A batch, what is drawn by NumPy for all of it at once; the aspect is fitted to the area."""
    import cv2

    count, height, width, _ = images.shape
    rng = np.random.default_rng()
    angle = np.radians(rng.uniform(-DEGREES, DEGREES, count))
    c, s = np.cos(angle), np.sin(angle)
    x, y = (width - 1) / 2, (height - 1) / 2
    maps = np.stack([c, -s, x - c * x + s * y, s, c, y - s * x - c * y], axis=1).reshape(-1, 2, 3)
    area = rng.uniform(0.02, 0.4, count) * height * width
    aspect = np.exp(rng.uniform(np.log(0.3), np.log(3.3), count))
    tall = np.clip(np.sqrt(area * aspect), 1, height).astype(int)
    wide = np.clip(np.sqrt(area / aspect), 1, width).astype(int)
    top = (rng.random(count) * (height - tall + 1)).astype(int).tolist()
    left = (rng.random(count) * (width - wide + 1)).astype(int).tolist()
    level = list(np.floor(rng.random(count) * 256).astype(np.uint8))
    erased = np.less(rng.random(count), 0.5).tolist()
    made = np.empty_like(images)
    cv2.setNumThreads(0)  # tf.data calls this on all cores.
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for i in range(count):
        out = made[i]
        cv2.warpAffine(
            images[i], maps[i], (width, height), out, flags, borderMode=cv2.BORDER_REPLICATE
        )
        if erased[i]:
            out[top[i] : top[i] + tall[i], left[i] : left[i] + wide[i]] = level[i]
    return made


def albumentations(images: np.ndarray, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    import albumentations as A
    import cv2

    transform = A.Compose(
        [
            A.Rotate(DEGREES, border_mode=cv2.BORDER_REPLICATE, p=1),
            A.Erasing(scale=(0.02, 0.4), ratio=(0.3, 3.3), p=0.5),
        ]
    )
    return image_by_image(lambda image: transform(image=image)["image"])(images, labels, batch_size)


def projective(images: np.ndarray, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    height, width = images.shape[1:3]
    x, y = (width - 1) / 2, (height - 1) / 2

    def rotate(batch: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = tf.shape(batch)[0]
        angle = tf.random.uniform([count], -DEGREES, DEGREES) * (np.pi / 180)
        c, s = tf.cos(angle), tf.sin(angle)
        zero = tf.zeros([count])
        rows = [c, -s, x - c * x + s * y, s, c, y - s * x - c * y, zero, zero]
        made = tf.raw_ops.ImageProjectiveTransformV3(
            images=batch,
            transforms=tf.stack(rows, axis=1),
            output_shape=[height, width],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
        return made, label

    ds = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images))
    ds = ds.batch(batch_size).map(rotate, num_parallel_calls=tf.data.AUTOTUNE)
    return ds.prefetch(tf.data.AUTOTUNE)


def keras_layers(images: np.ndarray, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    layer = tf.keras.layers.RandomRotation(DEGREES / 360, fill_mode="nearest")

    def rotate(batch: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(layer(tf.cast(batch, tf.float32), training=True), tf.uint8), label

    ds = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images))
    ds = ds.batch(batch_size).map(rotate, num_parallel_calls=tf.data.AUTOTUNE)
    return ds.prefetch(tf.data.AUTOTUNE)


def kornia(images: np.ndarray, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    import kornia.augmentation as K
    import torch

    transform = torch.nn.Sequential(
        K.RandomRotation(DEGREES, p=1.0), K.RandomErasing((0.02, 0.4), (0.3, 3.3), p=0.5)
    )

    def augment(batch: np.ndarray) -> np.ndarray:
        floats = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
        made = (transform(floats) * 255).byte().permute(0, 2, 3, 1)
        return np.asarray(made.contiguous().numpy())

    # Torch uses all cores by itself.
    return in_python(augment, calls=1)(images, labels, batch_size)


def dali(images: np.ndarray, labels: np.ndarray, batch_size: int) -> Iterable[Any]:
    """On the processor, read by its own iterator, since its plugin for tf.data is built apart."""
    from nvidia.dali import fn, pipeline_def
    from nvidia.dali import math as dali_math

    class Batches:
        def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            order = np.random.permutation(len(images))
            for first in range(0, len(images), batch_size):
                chosen = order[first : first + batch_size]
                yield images[chosen], labels[chosen, None]

    @pipeline_def(batch_size=batch_size, num_threads=joblib.cpu_count(), device_id=None)
    def augment() -> Any:
        image, label = fn.external_source(
            Batches(), num_outputs=2, batch=True, cycle="raise", layout=["HWC", ""]
        )
        angle = fn.random.uniform(range=(-float(DEGREES), float(DEGREES)))
        turned = fn.rotate(image, angle=angle, keep_size=True)
        area = fn.random.uniform(range=(0.02, 0.4))
        aspect = fn.random.uniform(range=(np.log(0.3), np.log(3.3)), shape=[1])
        tall = dali_math.clamp(dali_math.sqrt(area * dali_math.exp(aspect)), 0.0, 1.0)
        wide = dali_math.clamp(dali_math.sqrt(area * dali_math.exp(-aspect)), 0.0, 1.0)
        shape = fn.cat(tall, wide) * fn.random.coin_flip(probability=0.5)
        anchor = (1.0 - shape) * fn.random.uniform(range=(0.0, 1.0), shape=[2])
        level = fn.random.uniform(range=(0.0, 255.0))
        made = fn.erase(
            turned, anchor=anchor, shape=shape, axis_names="HW", normalized=True, fill_value=level
        )
        return made, label

    pipeline = augment()
    pipeline.build()

    class Epochs:
        def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            while True:
                try:
                    made, label = pipeline.run()
                except StopIteration:
                    pipeline.reset()
                    return
                yield made.as_array(), label.as_array()[:, 0]

    return Epochs()


def data_loader(augment: Callable[[np.ndarray], Any]) -> Make:
    """PyTorch's `DataLoader` with two workers, image by image."""

    def make(images: np.ndarray, labels: np.ndarray, batch_size: int) -> Iterable[Any]:
        from torch.utils.data import DataLoader

        class Examples:
            def __len__(self) -> int:
                return len(images)

            def __getitem__(self, number: int) -> tuple[Any, int]:
                return augment(images[number]), int(labels[number])

        return DataLoader(
            Examples(), batch_size, shuffle=True, num_workers=2, persistent_workers=True
        )

    return make


def torchvision(image: np.ndarray) -> Any:
    import torch
    from torchvision.transforms import InterpolationMode, v2

    transform = v2.Compose(
        [
            v2.RandomRotation(DEGREES, InterpolationMode.BILINEAR),
            v2.RandomErasing(0.5, (0.02, 0.4), (0.3, 3.3)),
        ]
    )
    return transform(torch.from_numpy(image.transpose(2, 0, 1).copy()))


class Peer(NamedTuple):
    """Another way.

    Attributes:
        make: the pipeline.
        needs: what must be installed, as it is imported, "this and that"; "" for what this
            package needs anyway.
        lacks: what of the work it does not do.
        slow: whether it is timed in the first two rounds only.
    """

    make: Make
    needs: str = ""
    lacks: str = ""
    slow: bool = False

    @property
    def installed(self) -> bool:
        return not self.needs or all(
            importlib.util.find_spec(module.split(".")[0]) is not None
            and importlib.util.find_spec(module) is not None
            for module in self.needs.split(" and ")
        )


PEERS = {
    "joblib + Keras": Peer(joblib_and_keras, needs="scipy", slow=True),
    "OpenCV, image by image": Peer(in_python(opencv_batch), needs="cv2"),
    "OpenCV, DataLoader": Peer(
        data_loader(lambda image: opencv_batch(image[None])[0]), needs="torch and cv2", slow=True
    ),
    "torchvision v2, DataLoader": Peer(
        data_loader(torchvision), needs="torch and torchvision", lacks="zeros outside", slow=True
    ),
    "Pillow, image by image": Peer(image_by_image(pillow), lacks="zeros outside", slow=True),
    "Albumentations": Peer(albumentations, needs="albumentations", slow=True),
    "ImageProjectiveTransformV3": Peer(projective, lacks="no erasing"),
    "keras.layers": Peer(keras_layers, lacks="no erasing", slow=True),
    "DALI": Peer(dali, needs="nvidia.dali", slow=True),
    "Kornia": Peer(kornia, needs="kornia", lacks="zeros outside", slow=True),
}
