"""Mixing through `tfds.load`: labels, partners from the slice, shards, frozen epochs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.frozen.verify import Deep, verify
from cifar10_aug.recipes.recipe import Recipe
from tests import programs
from tests.frozen.freezing import cifar10_of, freeze

RECIPE = "flip+mixup+cutmix_p1"


def load(
    data_dir: str, split: str = "train", recipe: str = RECIPE, **kwargs: Any
) -> tf.data.Dataset:
    kwargs.setdefault("batch_size", 32)
    return tfds.load(f"cifar10_aug/{recipe}", split=split, data_dir=data_dir, **kwargs)


def by_id(ds: tf.data.Dataset) -> dict[bytes, tuple[np.ndarray, np.ndarray]]:
    return {
        example["id"]: (example["image"], example["label"])
        for example in ds.unbatch().as_numpy_iterator()
    }


def assert_same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name][0], other[name][0])
        np.testing.assert_array_equal(one[name][1], other[name][1])


@pytest.mark.parametrize("recipe", ["cutmix+rescale", RECIPE])
def test_features_say_before_anything_runs_what_comes(recipe: str, data_dir: str) -> None:
    builder = tfds.builder(f"cifar10_aug/{recipe}", data_dir=data_dir)
    label = builder.info.features["label"]
    assert (label.shape, label.np_dtype, label.num_classes) == ((10,), np.float32, 10)
    assert label.names[3] == "cat"
    for ds in builder.as_dataset().values():
        assert ds.element_spec == builder.info.features.get_tensor_spec()
        example = next(ds.as_numpy_iterator())
        assert example["label"].shape == (10,)
        assert example["label"].dtype == np.float32


def test_without_mixing_labels_are_classes(data_dir: str) -> None:
    builder = tfds.builder("cifar10_aug/randaugment", data_dir=data_dir)
    assert builder.info.features["label"].dtype == np.int64


def test_test_labels_are_whole_and_test_images_clean(data_dir: str, made: Any) -> None:
    batch = load(data_dir, "test", batch_size=-1)
    np.testing.assert_array_equal(batch["image"], made.test_images)
    np.testing.assert_array_equal(batch["label"], np.eye(10)[made.test_labels])


def test_it_is_what_the_recipe_makes_of_the_slice(data_dir: str, made: Any) -> None:
    ds = load(data_dir, "train[20:70]", shuffle_files=True)
    images, labels, ids = made.train_images[20:70], made.train_labels[20:70], np.arange(20, 70)
    for epoch in range(3):
        found = by_id(ds)
        expected, shares = Recipe.parse(RECIPE)(images, labels, ids=ids, epoch=epoch)
        for i, number in enumerate(ids):
            image, label = found[f"train_{number:05d}".encode()]
            np.testing.assert_array_equal(image, expected[i])
            np.testing.assert_array_equal(label, shares[i])


def test_slices_have_separate_partners(data_dir: str) -> None:
    whole, half = by_id(load(data_dir)), by_id(load(data_dir, "train[:50]"))
    assert any((whole[name][0] != half[name][0]).any() for name in half)


def test_neither_batching_nor_how_a_slice_is_written_changes_anything(data_dir: str) -> None:
    whole = by_id(load(data_dir))
    for split in ("train[50:]+train[:50]", "train+train[:0]", "train[0:100]"):
        assert_same(by_id(load(data_dir, split)), whole)
    for size in (7, 64):
        assert_same(by_id(load(data_dir, batch_size=size)), whole)
    assert_same(by_id(load(data_dir, batch_size=None).batch(1)), whole)


def test_shards_are_the_whole_by_id(data_dir: str) -> None:
    whole = by_id(load(data_dir))
    parts: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
    for pipeline in range(3):
        context = tf.distribute.InputContext(3, pipeline)
        part = by_id(load(data_dir, read_config=tfds.ReadConfig(input_context=context)))
        assert not parts.keys() & part.keys()
        parts |= part
    assert_same(parts, whole)


def test_the_graph_engine_mixes_with_the_same_partners(data_dir: str) -> None:
    # Quicker to trace than the others.
    recipe, split = "resizemix", "train[50:]+train[:20]+test"
    contexts = [tf.distribute.InputContext(2, i) for i in range(2)]
    found = [
        by_id(
            load(
                data_dir,
                split,
                recipe,
                read_config=tfds.ReadConfig(input_context=context),
                builder_kwargs={"engine": "graph"},
            )
        )
        for context in contexts
    ]
    expected = by_id(load(data_dir, split, recipe))
    together = {name: example for share in found for name, example in share.items()}
    assert sum(len(share) for share in found) == len(expected)
    assert together.keys() == expected.keys()
    for name, (image, label) in expected.items():
        assert (together[name][0] == image).all()
        np.testing.assert_allclose(together[name][1], label, atol=1e-6)


def test_splits_do_not_mix_with_each_other(data_dir: str, made: Any) -> None:
    both = by_id(load(data_dir, "train+test", batch_size=16))
    assert_same({k: v for k, v in both.items() if k.startswith(b"train")}, by_id(load(data_dir)))
    for i, image in enumerate(made.test_images):
        np.testing.assert_array_equal(both[f"test_{i:05d}".encode()][0], image)


def test_test_images_can_be_mixed_on_request(data_dir: str, made: Any) -> None:
    ds = load(data_dir, "test", builder_kwargs={"augment_splits": ("test",)})
    found = by_id(ds)
    ids = [f"test_{i:05d}" for i in range(len(made.test_labels))]
    expected, shares = Recipe.parse(RECIPE)(made.test_images, made.test_labels, ids=ids)
    for i, name in enumerate(ids):
        np.testing.assert_array_equal(found[name.encode()][0], expected[i])
        np.testing.assert_array_equal(found[name.encode()][1], shares[i])


def test_a_restored_iterator_goes_on_with_the_same_labels(data_dir: str, tmp_path: Path) -> None:
    ds = load(data_dir, shuffle_files=True, as_supervised=True)
    iterator = iter(ds)
    next(iterator)
    checkpoint = tf.train.Checkpoint(iterator=iterator)
    path = checkpoint.write(str(tmp_path / "checkpoint"))
    expected = [(x.numpy(), y.numpy()) for x, y in iterator]
    again = iter(load(data_dir, shuffle_files=True, as_supervised=True))
    tf.train.Checkpoint(iterator=again).read(path)
    for (x, y), (image, label) in zip(again, expected, strict=True):
        np.testing.assert_array_equal(x, image)
        np.testing.assert_array_equal(y, label)


@pytest.mark.parametrize("image_encoding", ["raw", "png"])
def test_frozen_epochs_are_the_online_epochs(
    image_encoding: str, sources: dict[str, Path], data_dir: str, made: Any, tmp_path: Path
) -> None:
    folder = freeze_with(tmp_path, sources, image_encoding)
    frozen = tfds.load(f"cifar10_aug/{RECIPE}-x2", split=["train", "test"], data_dir=str(tmp_path))
    online = load(data_dir, batch_size=None)
    expected = [example for _ in range(2) for example in online.as_numpy_iterator()]
    for one, two in zip(frozen[0].as_numpy_iterator(), expected, strict=True):
        assert one["id"] == two["id"]
        np.testing.assert_array_equal(one["image"], two["image"])
        np.testing.assert_array_equal(one["label"], two["label"])
    labels = np.stack([example["label"] for example in frozen[1].as_numpy_iterator()])
    np.testing.assert_array_equal(labels, np.eye(10)[made.test_labels])
    assert verify(folder) == []
    deep = Deep(folder, lambda _: cifar10_of(made))
    assert [fault for _, fault in deep.run(1)] == [None] * 11


def freeze_with(place: Path, sources: dict[str, Path], image_encoding: str) -> Path:
    builder = Builder(
        config=f"{RECIPE}-x2",
        data_dir=str(place),
        source=sources["binary archive"],
        n_jobs=1,
        image_encoding=image_encoding,
    )
    builder.download_and_prepare()
    return Path(builder.data_dir)


def test_two_processes_freeze_what_one_does(sources: dict[str, Path], tmp_path: Path) -> None:
    one, two = (
        freeze(tmp_path / str(jobs), sources["binary archive"], f"{RECIPE}-x1", jobs=jobs)
        for jobs in (1, 2)
    )
    for path in one.glob("*.tfrecord*"):
        assert path.read_bytes() == (two / path.name).read_bytes()


def test_plain_tfds_reads_the_frozen_labels(sources: dict[str, Path], tmp_path: Path) -> None:
    folder = freeze_with(tmp_path, sources, "raw")
    program = (
        "import sys, tensorflow_datasets as tfds;"
        f"ds = tfds.builder_from_directory({str(folder)!r}).as_dataset(split='train');"
        "labels = [x['label'] for x in ds.as_numpy_iterator()];"
        "assert 'cifar10_aug' not in sys.modules;"
        "print(len(labels), labels[0].dtype, labels[0].shape, sum(map(sum, labels)).round(3))"
    )
    done = programs.run("-c", program, check=True, cwd=tmp_path)
    assert done.stdout.split("\n")[0] == "200 float32 (10,) 200.0"


def test_keras_trains_on_soft_labels(data_dir: str) -> None:
    train = tfds.load(
        "cifar10_aug/resnetmixup+rescale",
        split="train",
        data_dir=data_dir,
        batch_size=50,
        as_supervised=True,
    )
    model = tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(10)])
    model.compile("adam", tf.keras.losses.CategoricalCrossentropy(from_logits=True))
    history = model.fit(train, epochs=2, verbose=0, shuffle=False)
    assert np.isfinite(history.history["loss"]).all()
