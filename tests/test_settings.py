"""TensorFlow's switches, scopes and options: none changes a pixel, and none stops the pipeline."""

import functools
import gc
import json
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow.python.data.ops import debug_mode

from cifar10_aug.pipelines import graph_tables, resident
from cifar10_aug.recipes.recipe import Recipe
from tests import numpy_behaviour, programs
from tests.pipelines.test_eager import by_id

ROOT = Path(__file__).parents[1]
# Graphs take seconds to build.
SLOW = pytest.mark.slow
ENGINES = ["eager", pytest.param("graph", marks=SLOW)]
# Cheap to build as a graph.
RECIPE = "brightness"


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
    monkeypatch.setattr(resident, "_residents", type(resident._residents)())


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
    monkeypatch.setattr(graph_tables, "_shared", weakref.WeakValueDictionary())
    ds = load(data_dir, engine)
    gc.freeze()
    try:
        # As it may happen at any time, and more often.
        collecting = tf.data.Dataset.zip((ds, collections()))
        assert [by_id(collecting.map(lambda batch, _: batch)) for _ in range(2)] == expected
    finally:
        gc.unfreeze()
    del ds, collecting
    gc.collect()
    assert not graph_tables._shared


def collections() -> tf.data.Dataset:
    """A dataset that collects garbage at each element."""

    def collect(step: Any) -> Any:
        gc.collect()
        return step

    return tf.data.Dataset.range(100).map(lambda step: tf.numpy_function(collect, [step], tf.int64))


POLICIES = ["mixed_float16", "mixed_bfloat16", "float64"]


@pytest.mark.parametrize(
    ("engine", "policy"),
    [*(("eager", policy) for policy in POLICIES), pytest.param("graph", POLICIES[0], marks=SLOW)],
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
    exact = recipe.layer(name="mine")(images, training=True)
    keras.mixed_precision.set_global_policy(policy)
    try:
        for given in (images, tf.cast(images, tf.bfloat16), tf.cast(images, tf.float64)):
            made = recipe.layer(name="mine")(given, training=True)
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
def test_datasets_are_read_inside_a_function(
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


def in_a_function(make: Callable[[], Any]) -> None:
    tf.function(make, autograph=False)()


def in_a_map(make: Callable[[], Any]) -> None:
    tf.data.Dataset.range(2).flat_map(tf.autograph.experimental.do_not_convert(lambda _: make()))


def in_a_graph(make: Callable[[], Any]) -> None:
    with tf.Graph().as_default():
        make()


PLACES = {
    in_a_function: "a tf.function, or in a function that tf.data calls, where each call",
    in_a_map: "a tf.function, or in a function that tf.data calls, where each call",
    in_a_graph: "a tf.Graph, where each initialisation of an iterator",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("batch_size", [16, -1])
@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_pipelines_say_that_they_are_not_loaded_while_a_graph_is_built(
    engine: str, batch_size: int, place: Callable[..., None], data_dir: str
) -> None:
    with pytest.raises(RuntimeError) as error:
        place(lambda: load(data_dir, engine, batch_size=batch_size))
    assert str(error.value) == (
        f"cifar10_aug/{RECIPE} is loaded inside {PLACES[place]} would give the first epoch again; "
        "load it before, outside"
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_function_loads_before_its_graph_is_built(
    engine: str, data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    @tf.function(autograph=False)
    def read() -> tf.Tensor:
        with tf.init_scope():
            ds = load(data_dir, engine, as_supervised=True)
        return ds.reduce(
            tf.constant(0, tf.int64),
            lambda total, batch: total + tf.reduce_sum(tf.cast(batch[0], tf.int64)),
        )

    assert [int(read()) for _ in range(2)] == [summed(epoch) for epoch in expected]


STRATEGY = """
import json, sys
import numpy as np, tensorflow as tf, tensorflow_datasets as tfds, cifar10_aug

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
data_dir, engines = sys.argv[1], sys.argv[2:]

def load(engine, context=None):
    return tfds.load(
        "cifar10_aug/flip", split="train[:20]", batch_size=5, data_dir=data_dir,
        as_supervised=True, read_config=tfds.ReadConfig(input_context=context),
        builder_kwargs={"engine": engine},
    )

with strategy.scope():
    layer = cifar10_aug.Recipe.parse("flip").layer(jit_compile=True)
once = tf.function(lambda images: layer(images, training=True))
for engine in engines:
    ds = strategy.distribute_datasets_from_function(lambda context: load(engine, context))
    alone = load(engine)
    for _ in range(2):
        found = [
            image
            for batch in ds
            for part in strategy.experimental_local_results(batch[0])
            for image in part.numpy()
        ]
        assert np.array_equal(found, [image for batch in alone for image in batch[0].numpy()])
images = np.arange(4 * 32 * 32 * 3).reshape(4, 32, 32, 3).astype(np.uint8)
ways = [
    np.stack([one.numpy() for one in strategy.experimental_local_results(made)])
    for made in [strategy.run(once, args=(images,)) for _ in range(6)]
]
assert any(not np.array_equal(*way) for way in ways), "replicas draw for themselves"
"""


@SLOW
def test_strategies_load_their_input_by_a_function(data_dir: str) -> None:
    programs.run("-c", STRATEGY, data_dir, "eager", "graph", check=True)


@SLOW
def test_numpy_behaviour_changes_no_pixel(data_dir: str) -> None:
    program = "import sys; from tests import numpy_behaviour; numpy_behaviour.main(*sys.argv[1:])"
    modes = ("legacy", "safe", "all")
    done = programs.run("-c", program, data_dir, *modes, check=True, cwd=ROOT)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found == [numpy_behaviour.made(data_dir)] * len(modes)


def test_what_users_append_sees_the_same_pixels(
    data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    """`test_idioms` compares the engines."""
    ds = load(data_dir, "eager")
    assert [len(ds), len(ds.take(0)), len(ds.skip(9))] == [4, 0, 0]
    cached = ds.cache()
    # What is cached is one epoch, for ever: that is what cache() asks for.
    assert [by_id(cached), by_id(cached)] == [expected[0], expected[0]]
    # The cache has read epoch 0, so the dataset goes on with epoch 1.
    assert by_id(ds.shuffle(3, seed=1).unbatch()) == expected[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_batch_may_be_larger_than_any_dataset(
    engine: str, data_dir: str, expected: list[dict[bytes, bytes]]
) -> None:
    ds = load(data_dir, engine, batch_size=np.int64(1 << 40))
    assert len(ds) == 1
    assert by_id(ds) == expected[0]
