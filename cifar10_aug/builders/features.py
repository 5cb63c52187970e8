"""Features that TFDS does not have: images stored raw, labels that are shares of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow_datasets as tfds

from cifar10_aug._compat import showing_views

if TYPE_CHECKING:
    import tensorflow as tf


class RawImage(tfds.features.Image):
    """An image, or several views of one, whose bytes are stored as they are.

    Writing and reading PNG costs several times what augmenting does. TFDS sees an `Image`, so
    `tfds.show_examples` and `tfds.as_dataframe` show pictures; the files' `features.json` says
    `Tensor`, so TFDS reads them where this package is not installed.
    """

    def __init__(self, *, shape: tuple[int, ...], dtype: Any = np.uint8, doc: Any = None):
        """Takes the static shape, ([views,] height, width, channels), and uint8 or float32."""
        super().__init__(shape=shape, dtype=np.uint8, doc=doc)
        self._dtype = np.dtype(dtype).type
        self._stored = tfds.features.Tensor(shape=shape, dtype=dtype, encoding="bytes")

    def encode_example(self, image: np.ndarray) -> bytes:
        return self._stored.encode_example(image)

    def decode_example(self, example: tf.Tensor) -> tf.Tensor:
        return self._stored.decode_example(example)

    def decode_example_np(self, example: bytes) -> np.ndarray:
        return self._stored.decode_example_np(example)

    def repr_html(self, ex: np.ndarray) -> str:
        # Views are shown side by side.
        images = as_levels(ex).reshape(-1, *ex.shape[-3:])
        return "".join(map(super().repr_html, images))

    @property
    def _fully_qualified_class_name(self) -> str:
        return self._stored._fully_qualified_class_name

    def to_json_content(self) -> Any:
        return self._stored.to_json_content()

    @classmethod
    def from_json_content(cls, value: Any) -> RawImage:
        stored = tfds.features.Tensor.from_json_content(value)
        return cls(shape=stored.shape, dtype=stored.np_dtype)


class SoftLabel(tfds.features.Tensor):
    """Shares of the classes, which add up to 1: float32 [classes].

    In the files' `features.json` it is a `Tensor`, as for `RawImage`.

    Attributes:
        names: of the classes.
        num_classes: how many there are.
    """

    def __init__(self, names: Sequence[str], doc: Any = None):
        """Takes the names of the classes."""
        super().__init__(shape=(len(names),), dtype=np.float32, doc=doc)
        self.names = list(names)

    @property
    def num_classes(self) -> int:
        return len(self.names)

    @property
    def _fully_qualified_class_name(self) -> str:
        cls = tfds.features.Tensor
        return f"{cls.__module__}.{cls.__name__}"


def as_levels(image: np.ndarray) -> np.ndarray:
    """A uint8 image to look at: floats are stretched from their least to their greatest value."""
    if image.dtype == np.uint8:
        return image
    low, high = float(image.min()), float(image.max())
    return np.rint((image - low) * (255.0 / max(high - low, 1e-6))).astype(np.uint8)


showing_views.install(RawImage)
