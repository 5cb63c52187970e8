"""TensorFlow's switches, scopes and options: none changes a pixel, and none stops the pipeline."""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow.python.data.ops import debug_mode

from cifar10_aug import prepared
from cifar10_aug.recipe import Recipe
from tests.test_pipeline import by_id

# Graphs take seconds to build.
SLOW = pytest.mark.slow
ENGINES = ["eager", pytest.param("graph", marks=SLOW)]
# Cheap to build as a graph, and with a partner that is looked up.
RECIPE = "flip+erase"


def load(data_dir: str, engine: str, **kwargs: Any) -> Any:
    how = {"split": "train[:50]", "batch_size": 16, **kwargs}
    return tfds.load(
        f"cifar10_aug/{RECIPE}", data_dir=data_dir, builder_kwargs={"engine": engine}, **how
    )


@pytest.fixture(scope="module")
def expected(data_dir: str) -> list[dict[bytes, bytes]]:
    """Two epochs."""
    ds = load(data_dir, "eager")
    return [by_id(ds) for _ in range(2)]


def option(place: str, value: Any) -> tf.data.Options:
    options = tf.data.Options()
    *path, last = place.split(".")
    setattr(functools.reduce(getattr, path, options), last, value)
    return options


OPTIONS: list[tuple[str, Any]] = [
    ("deterministic", False),
    ("threading.private_threadpool_size", 1),
    ("threading.max_intra_op_parallelism", 1),
    ("autotune.enabled", False),
    ("autotune.enabled", True),
    ("autotune.cpu_budget", 1),
    ("experimental_slack", True),
    ("experimental_warm_start", True),
    ("experimental_symbolic_checkpoint", False),
    ("experimental_external_state_policy", tf.data.experimental.ExternalStatePolicy.FAIL),
    ("experimental_optimization.apply_default_optimizations", False),
    ("experimental_optimization.map_and_batch_fusion", True),
    ("experimental_optimization.inject_prefetch", True),
]


@pytest.mark.parametrize(
    ("engine", "place", "value"),
    [
        *(("eager", *one) for one in OPTIONS),
        *(pytest.param("graph", *one, marks=SLOW) for one in OPTIONS[:2]),
    ],
)
def test_options_change_no_pixel(
    engine: str, place: str, value: Any, data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    options = option(place, value)
    given = tfds.ReadConfig(options=options)
    ds = load(data_dir, engine, read_config=given)
    assert by_id(ds) == expected[0]
    # Before, the user has given them to tfds.load; now, to the dataset.
    assert by_id(ds.with_options(options)) == expected[1]


def test_one_thread_for_everything_is_enough(
    data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    options = option("threading.private_threadpool_size", 1)
    options.threading.max_intra_op_parallelism = 1
    ds = load(data_dir, "eager").shuffle(4).prefetch(2).with_options(options)
    iterators = [iter(ds) for _ in range(3)]
    assert [len(list(iterator)) for iterator in iterators] == [4, 4, 4]


@pytest.fixture
def nothing_resident(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has read nothing yet."""
    monkeypatch.setattr(prepared, "_residents", type(prepared._residents)())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.usefixtures("nothing_resident")
def test_functions_that_run_eagerly(
    engine: str, data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    tf.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            # That tf.data's functions do not.
            warnings.filterwarnings("ignore", "Even though the `tf.config.experimental_run")
            assert by_id(load(data_dir, engine)) == expected[0]
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.usefixtures("nothing_resident")
def test_tf_datas_debug_mode(
    engine: str, data_dir: str, expected: list[dict[bytes, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Restored, which no function of TensorFlow's does.
    monkeypatch.setattr(debug_mode, "DEBUG_MODE", False)
    tf.data.experimental.enable_debug_mode()
    ds = load(data_dir, engine)
    assert [by_id(ds) for _ in range(2)] == expected


POLICIES = ["mixed_float16", "mixed_bfloat16", "float64"]


@pytest.mark.parametrize(
    ("engine", "policy"),
    [
        *(("eager", policy) for policy in POLICIES),
        pytest.param("graph", POLICIES[0], marks=SLOW),
    ],
)
def test_keras_policies_change_no_pixel_of_a_pipeline(
    engine: str, policy: str, data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    keras.mixed_precision.set_global_policy(policy)
    try:
        assert by_id(load(data_dir, engine)) == expected[0]
    finally:
        keras.mixed_precision.set_global_policy("float32")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_layer_rounds_only_at_the_end_under_a_keras_policy(policy: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    recipe = Recipe.parse("flip+erase+rescale")
    exact = recipe.layer()(images, training=True)
    keras.mixed_precision.set_global_policy(policy)
    try:
        for given in (images, tf.cast(images, tf.bfloat16), tf.cast(images, tf.float64)):
            made = recipe.layer()(given, training=True)
            assert made.dtype.name == policy.removeprefix("mixed_")
            assert (made.numpy() == tf.cast(exact, made.dtype).numpy()).all()
    finally:
        keras.mixed_precision.set_global_policy("float32")


SCOPES: dict[str, Callable[[], Any]] = {
    "device": lambda: tf.device("CPU:0"),
    "device that is not there": lambda: tf.device("GPU:7"),
    "strategy": lambda: tf.distribute.MirroredStrategy(["CPU:0"]).scope(),
    "name": lambda: tf.name_scope("mine"),
    "tape": tf.GradientTape,
}


@pytest.mark.parametrize(
    ("engine", "scope"),
    [*(("eager", scope) for scope in SCOPES), pytest.param("graph", "strategy", marks=SLOW)],
)
@pytest.mark.usefixtures("nothing_resident")
def test_scopes_change_no_pixel(
    engine: str, scope: str, data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    with SCOPES[scope]():
        assert by_id(load(data_dir, engine)) == expected[0]


def summed(epoch: dict[bytes, bytes]) -> int:
    return sum(int(np.frombuffer(image, np.uint8).sum()) for image in epoch.values())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.usefixtures("nothing_resident")
def test_datasets_are_read_and_loaded_inside_a_function(
    engine: str, data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    ds = load(data_dir, engine, as_supervised=True)

    @tf.function
    def read() -> tf.Tensor:
        # What AutoGraph makes of a loop, on Pythons where it works: not with 3.13.
        return ds.reduce(
            tf.constant(0, tf.int64),
            lambda total, batch: total + tf.reduce_sum(tf.cast(batch[0], tf.int64)),
        )

    # Each call iterates the dataset anew, so it is the next epoch.
    assert [int(read()) for _ in range(2)] == [summed(epoch) for epoch in expected]

    @tf.function
    def loaded() -> tf.Tensor:
        return load(data_dir, engine, batch_size=-1, as_supervised=True)[0]

    # Each call loads it anew, so it is the first epoch.
    prepared._residents.clear()
    for _ in range(2):
        assert int(loaded().numpy().astype(int).sum()) == summed(expected[0])


@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_pipelines_say_that_they_do_not_run_in_graphs_of_the_first_tensorflow(
    engine: str, data_dir: str
) -> None:
    with tf.Graph().as_default(), pytest.raises(RuntimeError) as error:
        load(data_dir, engine)
    assert str(error.value) == (
        "an augmented pipeline is a dataset of TensorFlow 2, and this is inside a tf.Graph, where "
        "each initialisation of an iterator would give the first epoch again; load it outside of "
        "the tf.Graph"
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_what_users_append_sees_the_same_pixels(
    engine: str, data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    ds = load(data_dir, engine)
    assert [len(ds), len(ds.take(0)), len(ds.skip(9))] == [4, 0, 0]
    cached = ds.cache()
    # What is cached is one epoch, for ever: so says whoever writes cache().
    assert [by_id(cached), by_id(cached)] == [expected[0], expected[0]]
    # The cache has read epoch 0, so the dataset goes on with epoch 1.
    assert by_id(ds.shuffle(3, seed=1).unbatch()) == expected[1]
    fresh = load(data_dir, engine, batch_size=np.int64(1 << 40))
    assert len(fresh) == 1
    assert [by_id(fresh.take(1)), by_id(fresh)] == expected
