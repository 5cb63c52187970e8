"""For TensorFlow 2.21: functions of a pipeline that are not optimised anew for each iteration.

Each time that an iterator is made, TensorFlow optimises each function of its pipeline. That takes 3
ms for one that does little but call into Python, and 30 to 100 ms for the graph of a recipe, and
neither is much quicker for it. It does not if the function says that it keeps integers on devices,
as those do that prefetch to one. On a CPU, where pipelines run, this means nothing else. It can go
when TensorFlow optimises a function once.

tf.data's debug mode, which calls the functions of a pipeline in Python, leaves these in the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

_NOT_OPTIMISED = {"experimental_ints_on_device": True}


def scan(dataset: tf.data.Dataset, state: tf.Tensor, call: Callable[..., Any]) -> tf.data.Dataset:
    """`dataset.scan(state, call)`, for elements that are one tensor."""
    spec = tf.TensorSpec(state.shape, state.dtype)
    made = _Function([spec, dataset.element_spec], call)
    _, of_elements = made.returned
    variant = tf.raw_ops.ScanDataset(
        **made.applied(dataset, of_elements), initial_state=[state], preserve_cardinality=True
    )
    return tf.data.experimental.from_variant(variant, of_elements)


def parallel_map(dataset: tf.data.Dataset, call: Callable[..., Any], calls: int) -> tf.data.Dataset:
    """`dataset.map(call, num_parallel_calls=calls)`, for elements that are tuples."""
    made = _Function(dataset.element_spec, call)
    variant = tf.raw_ops.ParallelMapDatasetV2(
        **made.applied(dataset, made.returned),
        num_parallel_calls=calls,
        # A thread goes through a call from beginning to end.
        use_inter_op_parallelism=False,
        preserve_cardinality=True,
    )
    return tf.data.experimental.from_variant(variant, made.returned)


def flat_map(dataset: tf.data.Dataset, call: Callable[..., tf.data.Dataset]) -> tf.data.Dataset:
    """`dataset.flat_map(call)`, for elements that are tuples."""
    specs = []

    def variant_of(*element: Any) -> tf.Tensor:
        made = call(*element)
        specs.append(made.element_spec)
        return tf.data.experimental.to_variant(made)

    made = _Function(dataset.element_spec, variant_of)
    variant = tf.raw_ops.FlatMapDataset(**made.applied(dataset, specs[0]))
    return tf.data.experimental.from_variant(variant, specs[0])


class _Function:
    """A function of the components of elements.

    Attributes:
        returned: the specs of what it returns.
    """

    def __init__(self, specs: Any, call: Callable[..., Any]):
        """Takes the specs of the call's arguments."""
        flat: list[tf.TensorSpec] = tf.nest.flatten(specs)

        @tf.function(input_signature=flat, autograph=False, experimental_attributes=_NOT_OPTIMISED)
        def traced(*components: tf.Tensor) -> Any:
            return call(*tf.nest.pack_sequence_as(specs, components))

        self._traced = traced.get_concrete_function()
        self.returned = tf.nest.map_structure(
            lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype),
            self._traced.structured_outputs,
        )

    def applied(self, dataset: tf.data.Dataset, specs: Any) -> dict[str, Any]:
        """What TensorFlow's ops take that apply it and make elements of these specs."""
        flat = tf.nest.flatten(specs)
        return {
            "input_dataset": tf.data.experimental.to_variant(dataset),
            "other_arguments": self._traced.captured_inputs,
            "f": self._traced,
            "output_types": [spec.dtype for spec in flat],
            "output_shapes": [spec.shape for spec in flat],
        }
