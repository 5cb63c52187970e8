"""The elements of a user's dataset in groups, each of which is augmented by one call.

A call into Python costs about as much as augmenting several hundred small images. Functions within
functions of a pipeline cost up to ten milliseconds in each iteration, so only what depends on the
epoch is one.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import tensorflow as tf

from cifar10_aug.pipelines import blocks, eager
from cifar10_aug.pipelines.elements import Elements
from cifar10_aug.pipelines.own_engines import Given, OwnEngine

# Larger calls gain little, and those in flight would take hundreds of megabytes.
_IMAGES_A_CALL = 2048
_BYTES_A_CALL = 16_000_000
# Of images whose sizes are not known before they arrive.
_IMAGES_OF_ANY_SIZE = 16
# Images in a batch whose size nobody knows beforehand, such as those of `tfds.load`.
_IMAGES_OF_ANY_BATCH = 512
# Each is some nodes of a graph, which is optimised anew in each iteration.
_ELEMENTS_A_CALL = 16

Ids: TypeAlias = str | Callable[..., Any] | None
_plain = tf.autograph.experimental.do_not_convert


@dataclasses.dataclass(frozen=True)
class Groups(abc.ABC):
    """How elements come and go.

    Attributes:
        elements: of the dataset.
        made: the specs of the tensors of augmented elements.
        engine: what augments them.
        ids: what gives examples their numbers: a key of the element, a function of it, or None,
            which takes the examples' places in the dataset.
        mixes: whether the recipe mixes, or changes labels otherwise.
        views: images that are made of one.
        python_workers: how many run functions of the user's; None if there are no such functions.
    """

    elements: Elements
    made: list[tf.TensorSpec]
    engine: OwnEngine
    ids: Ids
    mixes: bool
    views: int
    python_workers: int | None

    @abc.abstractmethod
    def of(self, own: tf.data.Dataset) -> tf.data.Dataset:
        """The groups of a dataset."""

    @abc.abstractmethod
    def augmented(self, epoch: tf.Tensor, *group: Any) -> Any:
        """A group, augmented."""

    @abc.abstractmethod
    def separated(self, groups: tf.data.Dataset) -> tf.data.Dataset:
        """The elements of augmented groups."""

    @property
    def fails(self) -> bool:
        """Whether functions of the user's can fail."""
        return self.python_workers is not None

    @property
    def images_a_call(self) -> int:
        """About how many images one call is to augment."""
        spec = self.elements.image_spec
        height, width = spec.shape[-3:-1]
        if height is None or width is None:
            return max(1, _IMAGES_OF_ANY_SIZE // self.views)
        most = _BYTES_A_CALL // max(1, height * width * 3 * spec.dtype.size)
        if self.python_workers is not None:
            most = min(most, blocks.IMAGES_A_WORKER * self.python_workers)
        return max(1, min(most, _IMAGES_A_CALL) // self.views)

    def with_ids(self, own: tf.data.Dataset) -> tf.data.Dataset:
        """The numbers that the user gives, and the element.

        Raises:
            ValueError: if they are no integers, one for each image.
        """
        ids, whole = self.ids, _plain(self._whole)
        if isinstance(ids, str):
            numbered = own.map(_plain(lambda element: (element[ids], element)))
        else:
            assert ids is not None
            numbered = own.map(lambda *parts: (ids(*parts), whole(*parts)))
        spec = numbered.element_spec[0]
        if not (
            isinstance(spec, tf.TensorSpec)
            and spec.dtype.is_integer
            and spec.shape.rank in (None, int(self.elements.batched))
        ):
            wanted = "[batch]" if self.elements.batched else "[]"
            raise ValueError(
                f"ids gives {spec}; give integers of shape {wanted}, one for each image"
            )
        return numbered

    def _whole(self, *parts: Any) -> Any:
        """What `Dataset.map` has taken apart."""
        return self.elements.packed(self.elements.flat(parts))

    def counted(
        self, own: tf.data.Dataset, make: Callable[[tf.Tensor, Any], Any]
    ) -> tf.data.Dataset:
        """What `make` makes of the number of an element's first image, and of the element."""

        def step(first: tf.Tensor, element: Any) -> tuple[tf.Tensor, Any]:
            image = self.elements.flat(element)[self.elements.image]
            count = 1 if image.shape.rank == 3 else tf.shape(image, tf.int64)[0]
            return first + count, make(first, element)

        return own.scan(tf.constant(0, tf.int64), _plain(step))


class Stacks(Groups):
    """Single images of one size: `Dataset.batch` puts them together."""

    def of(self, own: tf.data.Dataset) -> tf.data.Dataset:
        """Numbers, or the first one's, and a batch of elements."""
        if self.ids is None:
            batches = own.batch(self.images_a_call).prefetch(2)
            return self.counted(batches, lambda *both: both)
        return self.with_ids(own).batch(self.images_a_call).prefetch(2)

    def augmented(self, epoch: tf.Tensor, *group: Any) -> Any:
        """A batch of elements, after what failed in each if functions can fail."""
        ids, stack = group
        tensors = self.elements.flat(stack)
        image = tensors[self.elements.image]
        place = self.elements.label if self.mixes else None
        label = None if place is None else tensors[place]
        made = self.engine(Given(epoch, tf.constant(1, tf.int64), [ids], [image], label))
        (tensors[self.elements.image],) = made.parts
        if place is not None:
            tensors[place] = made.label
        for tensor, spec in zip(tensors, self.made, strict=True):
            tensor.set_shape([None, *spec.shape])
        element = self.elements.packed(tensors)
        return (made.failed, element) if self.fails else element

    def separated(self, groups: tf.data.Dataset) -> tf.data.Dataset:
        """The elements of augmented batches."""
        slices = tf.data.Dataset.from_tensor_slices
        if self.fails:
            return groups.flat_map(_plain(lambda *made: slices(made))).map(_plain(eager.checked))
        return groups.flat_map(_plain(lambda *made: slices(self._whole(*made))))


class Bundles(Groups):
    """Batches, and images that differ in size.

    Each element is an `Optional`, a scalar of which `Dataset.batch` copies only a reference; so
    nothing is copied but the images, once, on their way into the engine.
    """

    def of(self, own: tf.data.Dataset) -> tf.data.Dataset:
        """Vectors of `Optional`, all of one length, and which of them are no fillers."""
        size = self._elements_a_call(own)

        def optional(ids: tf.Tensor, element: Any) -> tuple[tf.Tensor, bool]:
            components = [tf.cast(ids, tf.int64), *self.elements.flat(element)]
            return tf.raw_ops.OptionalFromValue(components=components), True

        if self.ids is None:
            optionals = self.counted(own.prefetch(2 * size), optional)
        else:
            optionals = self.with_ids(own).prefetch(2 * size).map(_plain(optional))
        if size > 1:
            # Graphs take vectors of one length only.
            components = [tf.zeros(_of_rank(spec, 0), spec.dtype) for spec in self._given]
            filler = tf.raw_ops.OptionalFromValue(components=components)
            fillers = tf.data.Dataset.from_tensors((filler, False)).repeat(size - 1)
            optionals = optionals.concatenate(fillers)
        return optionals.batch(size, drop_remainder=True)

    def augmented(self, epoch: tf.Tensor, *group: Any) -> Any:
        """A vector of `Optional`, fillers left out."""
        optionals, real = group
        count, one = tf.math.count_nonzero(real), self.elements
        # Few ops: each of them costs time in each iteration.
        values = [_values(each, self._given) for each in tf.unstack(optionals)]
        ids, *tensors = (list(each) for each in zip(*values, strict=True))
        label = tensors[one.label][0] if self.mixes and one.label is not None else None
        made = self.engine(Given(epoch, count, ids, tensors[one.image], label))
        tensors[one.image] = list(made.parts)
        if made.label is not None and one.label is not None:
            tensors[one.label] = [made.label]
        if self.fails:
            tensors = [tf.unstack(made.failed, len(values)), *tensors]
        elements = [
            tf.raw_ops.OptionalFromValue(components=list(each))
            for each in zip(*tensors, strict=True)
        ]
        return tf.stack(elements)[:count]

    def separated(self, groups: tf.data.Dataset) -> tf.data.Dataset:
        """The elements of vectors."""

        def element(optional: tf.Tensor) -> Any:
            if not self.fails:
                return self.elements.packed(_values(optional, self.made))
            failed, *tensors = _values(optional, [tf.TensorSpec([], tf.string), *self.made])
            return eager.checked(failed, self.elements.packed(tensors))

        return groups.flat_map(_plain(tf.data.Dataset.from_tensor_slices)).map(_plain(element))

    @property
    def _given(self) -> list[tf.TensorSpec]:
        """The specs of what an `Optional` holds; fillers have other shapes than the dataset."""
        ids = tf.TensorSpec([None] if self.ids is not None and self.elements.batched else [])
        specs = [tf.TensorSpec(ids.shape, tf.int64), *self.elements.specs]
        return [tf.TensorSpec(_of_rank(spec, None), spec.dtype) for spec in specs]

    def _elements_a_call(self, own: tf.data.Dataset) -> int:
        """How many elements make about `images_a_call`."""
        if self.mixes:
            # Partners come from the batch.
            return 1
        if not self.elements.batched:
            return min(self.images_a_call, _ELEMENTS_A_CALL)
        batch = self.elements.image_spec.shape[0]
        if batch is None:
            batch = int(tf.raw_ops.ComputeBatchSize(input_dataset=own._variant_tensor))
        batch = batch if batch > 0 else _IMAGES_OF_ANY_BATCH
        return max(1, min(self.images_a_call // batch, _ELEMENTS_A_CALL))


def _of_rank(spec: tf.TensorSpec, size: int | None) -> list[int | None] | None:
    """A shape of the same rank, each side of one size; None if the rank is not known."""
    return None if spec.shape.rank is None else [size] * spec.shape.rank


def _values(optional: tf.Tensor, specs: list[tf.TensorSpec]) -> list[tf.Tensor]:
    found: list[tf.Tensor] = tf.raw_ops.OptionalGetValue(
        optional=optional,
        output_types=[spec.dtype for spec in specs],
        output_shapes=[spec.shape for spec in specs],
    )
    return found
