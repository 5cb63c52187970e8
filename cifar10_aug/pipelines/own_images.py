"""The pipeline over a user's dataset of images.

A call into Python costs about as much as augmenting several hundred small images, so one call makes
many. Single images of one size are put into batches for it, and separated again. All else is
gathered as it is, since it may differ in size: each element is an `Optional`, a scalar of which
`Dataset.batch` copies only a reference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import joblib
import tensorflow as tf

from cifar10_aug._compat import eager_context
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.pipelines import eager, own_engines
from cifar10_aug.pipelines.elements import Elements
from cifar10_aug.pipelines.epochs import Epochs, of_length
from cifar10_aug.pipelines.options import OnlineOptions
from cifar10_aug.pipelines.own_engines import Given, OwnEngine
from cifar10_aug.recipes.recipe import Recipe

# Larger calls gain little, and those in flight would take hundreds of megabytes.
_IMAGES_A_CALL = 2048
_BYTES_A_CALL = 16_000_000
# Of images whose sizes are not known before they arrive.
_IMAGES_OF_ANY_SIZE = 16

Ids: TypeAlias = str | Callable[..., Any] | None


@dataclasses.dataclass(frozen=True)
class OwnImages:
    """What runs on a user's dataset, and how.

    Attributes:
        elements: of the dataset.
        engine: what augments them.
        dtype: of the recipe's images, "uint8" or "float32".
        mixed_classes: how many classes mixed labels have; None if the recipe does not mix.
        ids: what gives examples their numbers: a key of the element, a function of it, or None,
            which takes the examples' places in the dataset.
        python_workers: how many run functions of the user's; None if there are no such functions.
        why_here: why the pipeline cannot be sent to other processes.
    """

    elements: Elements
    engine: OwnEngine
    dtype: str
    mixed_classes: int | None
    ids: Ids
    python_workers: int | None
    why_here: str

    def dataset(self, own: tf.data.Dataset, start_epoch: int) -> tf.data.Dataset:
        """The augmented dataset, which counts its epochs from `start_epoch` on by reading."""
        here = eager.in_this_process(self.why_here)
        stacked = self.elements.static and not self.elements.batched
        images = self._images_a_call

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            with tf.control_dependencies([tf.identity(here)]):
                number = tf.identity(number)
            if stacked:
                ds = self._stacked(own, number, images)
            else:
                ds = self._gathered(own, number, gathered)
            return ds.prefetch(tf.data.AUTOTUNE)

        gathered = self._elements_a_call(own, images)
        ds = Epochs(start_epoch).each(tf.autograph.experimental.do_not_convert(epoch))
        length = own.cardinality().numpy()
        if length == tf.data.INFINITE_CARDINALITY:
            ds = ds.repeat()
        elif length >= 0:
            ds = of_length(ds, length)
        return ds.with_options(eager.tuned(own.options(), sharded=False))

    @property
    def _images_a_call(self) -> int:
        spec = self.elements.image_spec
        height, width = spec.shape[-3:-1]
        if height is None or width is None:
            return _IMAGES_OF_ANY_SIZE
        most = _BYTES_A_CALL // max(1, height * width * 3 * spec.dtype.size)
        if self.python_workers is not None:
            most = min(most, eager.IMAGES_A_WORKER * self.python_workers)
        return max(1, min(most, _IMAGES_A_CALL))

    def _elements_a_call(self, own: tf.data.Dataset, images: int) -> int:
        """How many elements make about so many images; one where nobody knows."""
        if not self.elements.batched:
            return images
        if self.mixed_classes is not None:
            # Partners come from the batch.
            return 1
        batch = self.elements.image_spec.shape[0]
        if batch is None:
            batch = int(tf.raw_ops.ComputeBatchSize(input_dataset=own._variant_tensor))
        return max(1, images // batch) if batch > 0 else 1

    @property
    def _calls(self) -> int:
        return joblib.cpu_count() if self.python_workers is None else eager.CALLS_OF_PYTHON

    def _numbered(
        self, ds: tf.data.Dataset, make: Callable[[tf.Tensor, Any], Any]
    ) -> tf.data.Dataset:
        """What `make` makes of each element and its numbers; see `own_engines.Given.ids`."""
        one = self.elements
        if self.ids is not None:
            return ds.map(lambda *parts: make(self._chosen(parts), one.packed(one.flat(parts))))

        def step(first: tf.Tensor, element: Any) -> tuple[tf.Tensor, Any]:
            image = one.flat(element)[one.image]
            count = 1 if image.shape.rank == 3 else tf.shape(image, tf.int64)[0]
            return first + count, make(first, element)

        return ds.scan(tf.constant(0, tf.int64), step)

    def _chosen(self, parts: tuple[Any, ...]) -> tf.Tensor:
        """The numbers that the user gives."""
        found = parts[0][self.ids] if isinstance(self.ids, str) else self.ids(*parts)  # type: ignore
        return tf.cast(found, tf.int64)

    def _stacked(self, own: tf.data.Dataset, epoch: tf.Tensor, images: int) -> tf.data.Dataset:
        one = self.elements

        def augment(ids: tf.Tensor, stack: Any) -> Any:
            tensors = one.flat(stack)
            made = self.engine(Given(epoch, tf.constant(1), [ids], [tensors[one.image]]))
            (tensors[one.image],) = made.parts
            for tensor, spec in zip(tensors, self._made_specs, strict=True):
                tensor.set_shape([None, *spec.shape])
            element = one.packed(tensors)
            return element if self.python_workers is None else (made.failed, element)

        def separated(*made: Any) -> tf.data.Dataset:
            ds = tf.data.Dataset.from_tensor_slices
            if self.python_workers is None:
                return ds(one.packed(one.flat(made)))
            return ds(made).map(eager.checked)

        if self.ids is None:
            stacks = self._numbered(own.batch(images).prefetch(2), lambda *both: both)
        else:
            stacks = self._numbered(own, lambda *both: both).batch(images).prefetch(2)
        return stacks.map(augment, num_parallel_calls=self._calls).flat_map(separated)

    def _gathered(self, own: tf.data.Dataset, epoch: tf.Tensor, size: int) -> tf.data.Dataset:
        one = self.elements
        # Fillers have other shapes.
        given = [tf.TensorSpec([None] * (self.ids is not None and one.batched), tf.int64)]
        given += [tf.TensorSpec(_of_rank(spec, None), spec.dtype) for spec in one.specs]

        def optional(ids: tf.Tensor, element: Any) -> tuple[tf.Tensor, bool]:
            return tf.raw_ops.OptionalFromValue(components=[ids, *one.flat(element)]), True

        def augment(optionals: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
            count = tf.math.count_nonzero(real)
            ids, *elements = map(
                list, zip(*(_values(o, given) for o in tf.unstack(optionals, size)))
            )
            label = None if self.mixed_classes is None else elements[one.label][0]
            made = self.engine(Given(epoch, count, ids, elements[one.image], label))
            elements[one.image] = made.parts
            if made.label is not None:
                elements[one.label] = [made.label]
            failed = [] if self.python_workers is None else [tf.unstack(made.failed, size)]
            each = zip(*failed, *elements, strict=True)
            return tf.stack([tf.raw_ops.OptionalFromValue(components=list(e)) for e in each])[
                :count
            ]

        def separate(optional: tf.Tensor) -> Any:
            if self.python_workers is None:
                return one.packed(_values(optional, self._made_specs))
            failed, *tensors = _values(optional, [tf.TensorSpec([], tf.string), *self._made_specs])
            return eager.checked(failed, one.packed(tensors))

        optionals = self._numbered(own.prefetch(2 * size), optional)
        if size > 1:
            filler = tf.raw_ops.OptionalFromValue(
                components=[tf.zeros(_of_rank(spec, 0), spec.dtype) for spec in given]
            )
            fillers = tf.data.Dataset.from_tensors((filler, False)).repeat(size - 1)
            optionals = optionals.concatenate(fillers)
        groups = optionals.batch(size, drop_remainder=True)
        groups = groups.map(augment, num_parallel_calls=self._calls)
        return groups.flat_map(tf.data.Dataset.from_tensor_slices).map(separate)

    @property
    def _made_specs(self) -> list[tf.TensorSpec]:
        one, specs = self.elements, self.elements.specs
        dtype = one.image_spec.dtype if self.dtype == "uint8" else tf.float32
        specs[one.image] = tf.TensorSpec(one.image_spec.shape, dtype)
        if self.mixed_classes is not None:
            assert one.label is not None
            batch = one.image_spec.shape[0]
            specs[one.label] = tf.TensorSpec([batch, self.mixed_classes], tf.float32)
        return specs


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


def augmented(
    own: Any, recipe: Recipe, seed: int, options: OnlineOptions, execution: Execution, ids: Ids
) -> tf.data.Dataset:
    """What `augment` applies to a dataset; see there."""
    what = f"augment({recipe.name!r})"
    if not isinstance(own, tf.data.Dataset):
        raise ValueError(
            f"{what} got a {type(own).__name__}; it is for a tf.data.Dataset: "
            "ds.apply(cifar10_aug.augment(…)). NumPy images go to "
            "cifar10_aug.Recipe.parse(…)(images)"
        )
    eager_context.check(what)
    elements = Elements.of(own.element_spec)
    _check(recipe, elements, ids)
    engine: OwnEngine
    dtype = elements.image_spec.dtype
    if options.engine == "eager":
        engine = own_engines.Eager(recipe.plan, seed, execution, dtype, singly=not elements.batched)
    else:
        engine = own_engines.Graph(
            recipe.plan, seed, *_size(elements), dtype, jit_compile=options.jit_compile
        )
    return OwnImages(
        elements=elements,
        engine=engine,
        dtype=recipe.dtype,
        mixed_classes=recipe.dataset.num_classes if recipe.mixes else None,
        ids=ids,
        python_workers=execution.jobs if recipe.runs_python else None,
        why_here=f"{what} counts epochs in the process that makes it, so its dataset cannot be "
        "sent to others (tf.data service) or saved. Distribute or save your own dataset, and "
        "apply augment to what comes back; with ids=, if that comes in another order. ",
    ).dataset(own, options.start_epoch)


def _check(recipe: Recipe, elements: Elements, ids: Ids) -> None:
    if isinstance(ids, str):
        if not isinstance(elements.spec, Mapping) or ids not in elements.spec:
            has = ", ".join(map(str, elements.spec)) if isinstance(elements.spec, Mapping) else None
            raise ValueError(
                f"ids is {ids!r}, and elements are "
                + (f"dicts with {has}; give one of these keys" if has else "no dicts")
                + "; or a function of the element, such as lambda image, label, number: number"
            )
    if not recipe.mixes:
        return
    if not elements.batched:
        raise ValueError(
            f"{recipe} mixes the examples of a batch, and the dataset has single images; batch it "
            "before augment"
        )
    if elements.label is None:
        raise ValueError(
            f"{recipe} mixes labels, and elements have none; give (image, label), or a dict with "
            "'image' and 'label'"
        )


def _size(elements: Elements) -> tuple[int, int]:
    """Height and width, which graphs are made for."""
    height, width, channels = elements.image_spec.shape[-3:]
    if None in (height, width, channels):
        raise ValueError(
            f"images are of shape {elements.image_spec.shape}, and engine='graph' has to know "
            "height, width and channels beforehand; resize them, or tf.ensure_shape(image, "
            "[…, 32, 32, 3]), in a map before augment, or leave engine='graph' out"
        )
    return height, width
