"""Frozen epochs of several views: a record holds all views of an example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.records import examples, tfrecord
from cifar10_aug.frozen import export
from cifar10_aug.frozen.verify import Deep, verify
from cifar10_aug.recipes.recipe import Recipe
from tests.cli.running import run
from tests.frozen.freezing import cifar10_of, freeze, frozen

RECIPE = "flip+brightness--plain--erase_p1"
CONFIG = f"{RECIPE}-x2-s7"


@pytest.fixture(scope="module")
def place(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two frozen epochs of three views."""
    place = tmp_path_factory.mktemp("views")
    freeze(place, sources["binary archive"], CONFIG)
    return place


def final_of(place: Path, config: str = CONFIG) -> Path:
    return place / "cifar10_aug" / config / "1.0.0"


@pytest.mark.parametrize("batch_size", [None, 16, -1])
def test_frozen_views_are_the_online_views(batch_size: int | None, place: Path, made: Any) -> None:
    ds, info = tfds.load(
        f"cifar10_aug/{CONFIG}",
        split=["train", "test"],
        data_dir=place,
        batch_size=batch_size,
        with_info=True,
    )
    assert info.features["image"].shape == (3, 32, 32, 3)
    recipe = Recipe.parse(RECIPE)
    epochs = [recipe(made.train_images, seed=7, epoch=epoch) for epoch in range(2)]
    expected = np.concatenate(epochs), recipe.clean(made.test_images)
    for found, right in zip(ds, expected, strict=True):
        if batch_size == -1:
            images = found["image"].numpy()
        else:
            assert found.element_spec["image"].shape[-4:] == [3, 32, 32, 3]
            parts = [one["image"] for one in found.as_numpy_iterator()]
            images = np.stack(parts) if batch_size is None else np.concatenate(parts)
        np.testing.assert_array_equal(images, right)


def test_stock_tfds_reads_views_where_this_package_is_unknown(place: Path, made: Any) -> None:
    builder = tfds.builder_from_directory(final_of(place))
    assert type(builder.info.features["image"]) is tfds.features.Tensor
    first = next(iter(builder.as_dataset(split="train").as_numpy_iterator()))
    expected = Recipe.parse(RECIPE)(made.train_images[0], ids=0, seed=7)
    np.testing.assert_array_equal(first["image"], expected)


def test_random_access_gives_all_views(sources: dict[str, Path], tmp_path: Path, made: Any) -> None:
    recipe = "flip+normalize-v2"
    builder = Builder(
        config=f"{recipe}-x1",
        data_dir=str(tmp_path),
        source=sources["binary archive"],
        file_format="array_record",
        n_jobs=1,
    )
    builder.download_and_prepare()
    source = builder.as_data_source(split="train")
    expected = Recipe.parse(recipe)(made.train_images)
    for number in (0, 42, 99):
        assert source[number]["image"].dtype == np.float32
        np.testing.assert_array_equal(source[number]["image"], expected[number])


def test_verify_compares_every_view(place: Path, made: Any, tmp_path: Path) -> None:
    final = final_of(place)
    assert verify(final) == []
    deep = Deep(final, lambda _: cifar10_of(made))
    shards = list(deep.run(1))
    assert [fault for _, fault in shards] == [None] * len(shards)
    # One pixel of the last view.
    shard = shards[0][0]
    file = final / shard.name
    before = file.read_bytes()
    records = list(tfrecord.read(file))
    example = examples.parsed(records[3])
    example["image"] = example["image"][:-1] + bytes([example["image"][-1] ^ 1])
    records[3] = examples.serialized(example)
    try:
        tfrecord.framed(records).tofile(file)
        faults = [str(fault) for _, fault in deep.run(1) if fault]
    finally:
        file.write_bytes(before)
    assert faults == [f"{shard.name}: record 3 is not what the recipe makes"]


def test_the_commands_know_views(sources: dict[str, Path], tmp_path: Path) -> None:
    source = ("--source", str(sources["binary archive"]), "--data-dir", str(tmp_path))
    done = run("export", "flip-v2", "--copies", "1", "--jobs", "1", *source)
    assert done.exit_code == 0, done.stderr
    assert 'read it with tfds.load("cifar10_aug/flip-v2-x1"' in done.stdout
    final = final_of(tmp_path, "flip-v2-x1")
    told = run("info", str(final))
    assert "recipe:   flip-v2\n" in told.stdout
    checked = run("verify", str(final), "--deep", *source[:2])
    assert checked.exit_code == 0, checked.stderr
    assert "whole, and what the recipe makes" in checked.stdout


def test_views_take_the_space_of_all_of_them(made: Any) -> None:
    cifar10 = cifar10_of(made)
    one, three = frozen("flip"), frozen("flip-v3")
    assert export._image_size(three, cifar10) == 3 * export._image_size(one, cifar10)


def test_views_are_not_stored_as_png(tmp_path: Path) -> None:
    message = "flip-v2 makes several views of an image, and PNG is for one picture a record; leave "
    with pytest.raises(ValueError, match=f"^{message}image_encoding out$"):
        Builder(config="flip-v2-x5", image_encoding="png")
    told = run(
        *("export", "flip-v2", "--copies", "1", "--sample", "--image-encoding", "png"),
        *("--data-dir", str(tmp_path)),
    )
    assert told.exit_code == 2
    assert f"--image-encoding png: {message}it out." in told.stderr
