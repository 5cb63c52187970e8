"""Where the image, its label and all the rest are in the elements of a user's dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from cifar10_aug.pipelines import levels

_TAKES = (
    "augment takes elements that are an image, (image, label), (image, label, weight) or a dict "
    "with 'image'"
)


@dataclasses.dataclass(frozen=True)
class Elements:
    """The structure of a dataset's elements, as a flat list of tensors.

    Ragged and sparse tensors are several tensors of the list.

    Attributes:
        spec: of an element.
        image: the place of the image in the list.
        label: the place of the label, or None if there is none.
        batched: whether an element is a batch.
    """

    spec: Any
    image: int
    label: int | None
    batched: bool

    @staticmethod
    def of(spec: Any) -> Elements:
        """The structure of a dataset with this `element_spec`.

        Raises:
            ValueError: if it has no image that a recipe could augment.
        """
        parts = _parts(spec)
        image_spec = parts["image"]
        batched = _checked(image_spec)
        places, place = {}, 0
        for name, part in parts.items():
            places[name] = place
            place += len(tf.nest.flatten(part, expand_composites=True))
        label = places["label"] if isinstance(parts.get("label"), tf.TensorSpec) else None
        return Elements(spec, places["image"], label, batched)

    @property
    def specs(self) -> list[tf.TensorSpec]:
        """Of each tensor of the list."""
        found: list[tf.TensorSpec] = tf.nest.flatten(self.spec, expand_composites=True)
        return found

    @property
    def image_spec(self) -> tf.TensorSpec:
        return self.specs[self.image]

    @property
    def static(self) -> bool:
        """Whether all elements have the same shapes, so that they can be put into batches."""
        return all(isinstance(part, tf.TensorSpec) for part in tf.nest.flatten(self.spec)) and all(
            spec.shape.is_fully_defined() for spec in self.specs
        )

    def flat(self, element: Any) -> list[tf.Tensor]:
        """The tensors of an element."""
        tensors: list[tf.Tensor] = tf.nest.flatten(element, expand_composites=True)
        return tensors

    def packed(self, tensors: list[tf.Tensor]) -> Any:
        """An element of these tensors."""
        return tf.nest.pack_sequence_as(self.spec, tensors, expand_composites=True)


def _parts(spec: Any) -> dict[Any, Any]:
    """What an element consists of, in the order of the flat list."""
    if isinstance(spec, Mapping):
        if "image" not in spec:
            raise ValueError(
                f"elements are dicts with {', '.join(map(str, spec)) or 'nothing'}; {_TAKES}: "
                "rename the key of the images in a map before augment"
            )
        return {name: spec[name] for name in sorted(spec)}
    if isinstance(spec, tuple) and 1 <= len(spec) <= 3:
        return dict(zip(("image", "label", "weight"), spec, strict=False))
    if isinstance(spec, tf.TensorSpec):
        return {"image": spec}
    raise ValueError(f"elements are {spec}; {_TAKES}: bring them into one of these by a map")


def _checked(spec: Any) -> bool:
    """Whether images are in batches.

    Raises:
        ValueError: if a recipe cannot augment them.
    """
    if not isinstance(spec, tf.TensorSpec):
        raise ValueError(
            f"images are {spec}; {_TAKES}, and an image is one tensor: images of several sizes "
            "can be augmented one by one, before they are batched"
        )
    if spec.shape.rank is None:
        raise ValueError(
            "images have a shape that is not known, so augment cannot tell single images from "
            "batches; say it in a map before augment: tf.ensure_shape(image, [None, None, 3]) for "
            "single images, [None, None, None, 3] for batches"
        )
    if spec.shape.rank not in (3, 4) or spec.shape[-1] not in (3, None):
        advice = (
            "; make three channels of one by tf.image.grayscale_to_rgb"
            if spec.shape.rank in (3, 4) and spec.shape[-1] == 1
            else ""
        )
        raise ValueError(
            f"images are of shape {spec.shape}; augment takes [height, width, 3] or [batch, "
            f"height, width, 3]{advice}"
        )
    levels.check_dtype(spec.dtype)
    return bool(spec.shape.rank == 4)
