"""What holds for pipelines of the graph engine alone; the rest is in `test_pipeline`."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug import augment
from cifar10_aug.pipelines import distributing, eager, graph
from tests.pipelines.test_eager import by_id

_OF_FUNCTIONS = ("ScanDataset", "MapDataset", "MapDatasetV2")


def load(data_dir: str, recipe: str = "brightness", **kwargs: Any) -> Any:
    options = {"engine": "graph", **kwargs.pop("builder_kwargs", {})}
    return tfds.load(
        f"cifar10_aug/{recipe}",
        data_dir=data_dir,
        builder_kwargs=options,
        **{"split": "train", "batch_size": 16, **kwargs},
    )


def graph_of(ds: tf.data.Dataset) -> tf.compat.v1.GraphDef:
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(ds._as_serialized_graph().numpy())
    return graph


def test_what_workers_get_is_small_and_has_no_python_in_it(data_dir: str) -> None:
    made, _ = distributing._loaded[load(data_dir, "rotate30+erase")]
    made_graph = graph_of(made.anywhere(tf.constant(0, tf.int64)))
    ops = {node.op for function in made_graph.library.function for node in function.node_def}
    assert ops
    assert not {op for op in ops if "PyFunc" in op}
    assert made_graph.ByteSize() < 2_000_000


@pytest.mark.parametrize("jit_compile", [False, True])
def test_xla_compiles_it_if_asked_to(data_dir: str, jit_compile: bool) -> None:
    made_graph = graph_of(load(data_dir, builder_kwargs={"jit_compile": jit_compile}))
    compiled = [f for f in made_graph.library.function if f.attr["_XlaMustCompile"].b]
    assert bool(compiled) == jit_compile


@pytest.mark.slow
def test_xla_changes_nothing(data_dir: str) -> None:
    recipe, how = "flip+resizemix+rescale", {"split": "train[:20]"}
    expected = load(data_dir, recipe, builder_kwargs={"engine": "eager"}, **how)
    found = load(data_dir, recipe, builder_kwargs={"jit_compile": True}, **how)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one["image"], other["image"], atol=1 / 255)
        np.testing.assert_allclose(one["label"], other["label"], atol=1e-5)


def test_pipelines_of_one_process_do_not_disturb_each_other(data_dir: str) -> None:
    one, other = load(data_dir), load(data_dir)
    alone = load(data_dir, builder_kwargs={"engine": "eager"})
    expected = [by_id(alone) for _ in range(2)]
    mine, theirs = zip(*tf.data.Dataset.zip((one, other)).as_numpy_iterator(), strict=True)
    assert by_id(mine) == by_id(theirs) == expected[0]
    assert by_id(one) == expected[1]


# Of 23 examples, 8 a call: how many each call makes, and how many calls there are.
@pytest.mark.parametrize(
    ("batch_size", "start_step", "size", "calls"),
    [(None, 1, 8, 3), (4, 1, 8, 3), (5, 0, 10, 3), (12, 1, 12, 2), (30, 0, 23, 1)],
)
def test_calls_make_equally_many_and_elements_are_those_of_the_eager_engine(
    data_dir: str,
    monkeypatch: pytest.MonkeyPatch,
    batch_size: int | None,
    start_step: int,
    size: int,
    calls: int,
) -> None:
    monkeypatch.setattr(graph, "_EXAMPLES_A_CALL", 8)
    how: dict[str, Any] = {"split": "train[:23]", "batch_size": batch_size, "shuffle_files": True}
    options = {"start_step": start_step}
    ds = load(data_dir, builder_kwargs=options, **how)
    expected = load(data_dir, builder_kwargs={"engine": "eager", **options}, **how)
    for _ in range(2):
        for one, other in zip(ds, expected, strict=True):
            for name, values in other.items():
                np.testing.assert_array_equal(one[name], values)
    made, _ = distributing._loaded[ds]
    positions = np.array([row for _, row in made._calls(tf.constant(1, tf.int64))])
    assert positions.shape == (calls, size)
    seen, rest = np.split(positions.ravel(), [23])
    assert sorted(seen) == list(range(23))
    assert (rest == -1).all()


def test_no_function_is_optimised_when_an_epoch_begins(data_dir: str) -> None:
    """See `plain_functions`: TensorFlow leaves functions with this attribute as they are."""
    made = graph_of(load(data_dir, "rotate30+erase"))
    nodes = [*made.node, *(node for one in made.library.function for node in one.node_def)]
    called = {node.attr["f"].func.name for node in nodes if node.op.endswith(_OF_FUNCTIONS)}
    functions = [one for one in made.library.function if one.signature.name in called]
    assert len(functions) == 5
    assert all(one.attr["experimental_ints_on_device"].b for one in functions)


def test_what_augment_calls_is_not_optimised_either(monkeypatch: pytest.MonkeyPatch) -> None:
    # What keeps its datasets from being serialised, as they are here.
    monkeypatch.setattr(eager, "in_this_process", lambda why: tf.constant(True))
    own = tf.data.Dataset.from_tensor_slices(np.zeros((8, 32, 32, 3), np.uint8)).batch(4)
    made = graph_of(own.apply(augment("rotate30+erase", engine="graph")))
    nodes = [node for one in made.library.function for node in one.node_def]
    called = {node.attr["f"].func.name for node in nodes if node.op == "ParallelMapDatasetV2"}
    (function,) = [one for one in made.library.function if one.signature.name in called]
    assert function.attr["experimental_ints_on_device"].b
