"""Frozen epochs as TFDS shows them."""

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug
from cifar10_aug import ExportError, RecipeError, SourceError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.frozen.freezing import local_folder
from tests import programs
from tests.frozen.freezing import CONFIG, RECIPE, contents, freeze


def final_of(place: Path, config: str = CONFIG) -> Path:
    return place / "cifar10_aug" / config / "1.0.0"


def test_load_makes_frozen_epochs_and_reads_them(
    sources: dict[str, Path], tmp_path: Path, made: Any
) -> None:
    for _ in range(2):
        ds, info = tfds.load(
            f"cifar10_aug/{RECIPE}-x2-s7",
            split="train",
            data_dir=str(tmp_path),
            builder_kwargs={"source": sources["binary archive"], "n_jobs": 1},
            with_info=True,
        )
        recipe = cifar10_aug.Recipe.parse(RECIPE)
        expected = np.concatenate([recipe(made.train_images, seed=7, epoch=k) for k in range(2)])
        found = list(ds.as_numpy_iterator())
        assert (np.stack([example["image"] for example in found]) == expected).all()
        assert [example["copy"] for example in found] == [0] * 100 + [1] * 100
        assert [example["label"] for example in found] == made.train_labels.tolist() * 2
        assert [example["id"].decode() for example in found] == [
            f"train_{number:05d}" for number in range(100)
        ] * 2
        assert info.full_name == f"cifar10_aug/{RECIPE}-x2-s7/1.0.0"
        assert ds.element_spec == info.features.get_tensor_spec()
    assert [path.name for path in (tmp_path / "cifar10_aug").iterdir()] == [f"{RECIPE}-x2-s7"]


def test_frozen_epochs_are_the_online_epochs(frozen_dir: Path, data_dir: str, made: Any) -> None:
    online = tfds.load(f"cifar10_aug/{RECIPE}", split="train", data_dir=data_dir)
    frozen = tfds.load(f"cifar10_aug/{CONFIG}", split=["train", "test"], data_dir=frozen_dir)
    expected = [example for _ in range(3) for example in online.as_numpy_iterator()]
    for one, two in zip(frozen[0].as_numpy_iterator(), expected, strict=True):
        assert one["id"] == two["id"]
        assert one["label"] == two["label"]
        assert (one["image"] == two["image"]).all()
    clean = np.stack([example["image"] for example in frozen[1].as_numpy_iterator()])
    assert (clean == made.test_images).all()


@pytest.mark.parametrize("version", ["", ":1.0.0", ":1.*.*"])
def test_an_explicit_version_is_the_same(version: str, frozen_dir: Path, made: Any) -> None:
    ds = tfds.load(f"cifar10_aug/{CONFIG}{version}", split="train[100:200]", data_dir=frozen_dir)
    images = np.stack([example["image"] for example in ds.as_numpy_iterator()])
    assert (images == cifar10_aug.Recipe.parse(RECIPE)(made.train_images, epoch=1)).all()


def test_what_is_prepared_as_plain_is_used(
    sources: dict[str, Path], frozen_dir: Path, tmp_path: Path
) -> None:
    source = sources["binary archive"]
    Builder(config="plain", data_dir=str(tmp_path), source=source).download_and_prepare()
    builder = Builder(config=CONFIG, data_dir=str(tmp_path), n_jobs=1)
    builder.download_and_prepare()
    assert contents(final_of(tmp_path)) == contents(final_of(frozen_dir))


def test_plain_that_is_damaged_is_not_used(sources: dict[str, Path], tmp_path: Path) -> None:
    source = sources["binary archive"]
    plain = Builder(config="plain", data_dir=str(tmp_path), source=source)
    plain.download_and_prepare()
    file = next(Path(plain.data_dir).glob("*-train*"))
    data = bytearray(file.read_bytes())
    data[1000] ^= 1
    file.write_bytes(data)
    with pytest.raises(SourceError) as error:
        Builder(config=CONFIG, data_dir=str(tmp_path), n_jobs=1).download_and_prepare()
    assert str(error.value) == (
        f"{plain.data_dir}: the prepared images are damaged (record 0: its data has another "
        "checksum); delete this folder and prepare them again"
    )


def test_other_images_than_the_prepared_ones_are_refused(
    sources: dict[str, Path], frozen_dir: Path, tmp_path: Path
) -> None:
    from cifar10_aug.data.sources.official import BINARY
    from tests import archives

    other = archives.write_folder(archives.make(seed=1), tmp_path, BINARY)
    builder = Builder(config=CONFIG, data_dir=str(frozen_dir), source=other)
    with pytest.raises(SourceError, match="are not the ones that"):
        builder.download_and_prepare()


def test_metadata_say_what_was_frozen(frozen_dir: Path) -> None:
    metadata = json.loads((final_of(frozen_dir) / "metadata.json").read_text())
    files = metadata.pop("files")
    assert {name.split("-")[1].split(".")[0] for name in files if "tfrecord" in name} == {
        "train",
        "test",
    }
    assert len([name for name in files if "-train." in name]) == 15
    assert metadata["recipe"] == RECIPE
    assert metadata["copies"] == 3
    assert metadata["seed"] == 0
    assert metadata["package_version"] == cifar10_aug.__version__
    assert metadata["format_version"] == 1
    assert metadata["source"] == "archive"
    for name in ("digest", "content", "dataset_digest"):
        assert metadata[name].startswith("sha256:")
    assert Builder(config=CONFIG, data_dir=str(frozen_dir)).info.metadata["copies"] == 3


def test_the_bytes_never_change(frozen_dir: Path) -> None:
    """Of data; metadata may tell more one day."""
    metadata = json.loads((final_of(frozen_dir) / "metadata.json").read_text())
    first = metadata["files"]["cifar10_aug-train.tfrecord-00007-of-00015"]
    assert first == "sha256:7a09b7e7a994bf67d7cead4547d0946548464843607814f939eaeb6ef45803ed"


READ_BY_STOCK_TFDS = """
import os, sys; os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["cifar10_aug"] = None
import numpy as np, tensorflow_datasets as tfds
data_dir, config = sys.argv[1:]
builder = tfds.builder_from_directory(f"{data_dir}/cifar10_aug/{config}/1.0.0")
by_name = tfds.load(f"cifar10_aug/{config}", data_dir=data_dir, split="train[100:200]")
examples = list(tfds.as_numpy(builder.as_dataset(split="train")))
assert [e["id"] for e in examples] == [f"train_{i:05d}".encode() for i in range(100)] * 3
assert [int(e["copy"]) for e in examples] == [0] * 100 + [1] * 100 + [2] * 100
second = [e["image"] for e in tfds.as_numpy(by_name)]
assert all((a == e["image"]).all() for a, e in zip(second, examples[100:200], strict=True))
names = builder.info.features["label"].names
print(sum(int(e["image"].sum()) for e in examples), names[0], builder.info.metadata["recipe"])
"""


def test_stock_tfds_reads_it_where_this_package_is_unknown(frozen_dir: Path, made: Any) -> None:
    done = programs.run("-c", READ_BY_STOCK_TFDS, frozen_dir, CONFIG, check=True, cwd="/")
    recipe = cifar10_aug.Recipe.parse(RECIPE)
    total = sum(int(recipe(made.train_images, epoch=k).sum(dtype=int)) for k in range(3))
    assert done.stdout.split() == [str(total), "airplane", RECIPE]


@pytest.mark.slow
def test_tfds_build_makes_the_same(
    sources: dict[str, Path], frozen_dir: Path, tmp_path: Path
) -> None:
    pytest.importorskip("apache_beam")  # The command imports it.
    program = "from tensorflow_datasets.scripts.cli.main import launch_cli; launch_cli()"
    programs.run(
        *("-c", program, "build", f"cifar10_aug/{CONFIG}"),
        *("--imports", "cifar10_aug", "--data_dir", tmp_path),
        env={**os.environ, "CIFAR10_AUG_SOURCE": str(sources["binary archive"])},
        check=True,
        cwd="/",
    )
    assert contents(final_of(tmp_path)) == contents(final_of(frozen_dir))


def test_show_examples_and_data_frames_work(frozen_dir: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    ds, info = tfds.load(
        f"cifar10_aug/{CONFIG}", split="train", data_dir=frozen_dir, with_info=True
    )
    figure = tfds.show_examples(ds.take(9), info)
    assert len(figure.axes) == 9
    frame = tfds.as_dataframe(ds.skip(150).take(3), info)
    assert frame["copy"].tolist() == [1, 1, 1]
    assert "<img" in frame._repr_html_()


@pytest.mark.parametrize("stored", ["raw", "png"])
def test_array_records_have_random_access(
    stored: str, sources: dict[str, Path], tmp_path: Path, made: Any
) -> None:
    builder = Builder(
        config=CONFIG,
        data_dir=str(tmp_path),
        source=sources["binary archive"],
        file_format="array_record",
        image_encoding=stored,
        n_jobs=1,
    )
    builder.download_and_prepare()
    source = tfds.data_source(f"cifar10_aug/{CONFIG}", split="train", data_dir=str(tmp_path))
    assert len(source) == 300
    # What a data loader's random sampler and workers do.
    order = np.random.default_rng(0).permutation(len(source)).tolist()
    copied = pickle.loads(pickle.dumps(source))
    recipe = cifar10_aug.Recipe.parse(RECIPE)
    epochs = [recipe(made.train_images, epoch=k) for k in range(3)]
    for first in range(0, len(order), 64):
        keys = order[first : first + 64]
        batch = copied.__getitems__(keys)
        for key, example in zip(keys, batch, strict=True):
            assert (example["image"] == epochs[key // 100][key % 100]).all()
            assert example["label"] == made.train_labels[key % 100]
            assert example["id"] == f"train_{key % 100:05d}".encode()
            assert example["copy"] == key // 100
    with pytest.raises(ValueError) as error:  # noqa: PT011
        tfds.load(f"cifar10_aug/{CONFIG}", split="train", data_dir=str(tmp_path))
    assert str(error.value) == (
        f"{builder.data_dir} is stored as array_record, and tfrecord is needed here; use "
        "tfds.data_source, or export it as tfrecord to another data_dir"
    )


@pytest.mark.parametrize("kwargs", [None, {"n_jobs": 1}])
def test_data_source_writes_what_it_needs(
    kwargs: dict[str, Any] | None, data_dir: str, tmp_path: Path, made: Any
) -> None:
    shutil.copytree(data_dir, tmp_path, dirs_exist_ok=True)
    name = "cifar10_aug/flip-x1"
    source = tfds.data_source(name, split="train", data_dir=str(tmp_path), builder_kwargs=kwargs)
    flipped = cifar10_aug.Recipe.parse("flip")(made.train_images)
    assert all((source[k]["image"] == flipped[k]).all() for k in range(100))
    # What is loaded later is written as it always was.
    tfds.load("cifar10_aug/flip-x2", data_dir=str(tmp_path))
    assert list(final_of(tmp_path, "flip-x2").glob("*.tfrecord*"))


def test_there_is_no_random_access_to_tfrecords(frozen_dir: Path) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        tfds.data_source(f"cifar10_aug/{CONFIG}", split="train", data_dir=str(frozen_dir))
    assert str(error.value) == (
        f"{final_of(frozen_dir)} is stored as tfrecord, and array_record is needed here; use "
        "tfds.load, or export it as array_record to another data_dir"
    )


def test_value_ranges_are_frozen_too(sources: dict[str, Path], tmp_path: Path, made: Any) -> None:
    freeze(tmp_path, sources["binary archive"], "flip+normalize-x1")
    train, test = tfds.load(
        "cifar10_aug/flip+normalize-x1",
        split=["train", "test"],
        data_dir=str(tmp_path),
        batch_size=-1,
        as_supervised=True,
    )
    parse = cifar10_aug.Recipe.parse
    assert (train[0].numpy() == parse("flip+normalize")(made.train_images)).all()
    assert (test[0].numpy() == parse("normalize")(made.test_images)).all()


def test_what_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        tfds.load("cifar10_aug/rotate-x5", data_dir=str(tmp_path), download=False)
    assert str(error.value) == (
        f"cifar10_aug: no frozen epochs are prepared in {tmp_path}; let tfds.load download them "
        "(download=True), or call builder.download_and_prepare()"
    )


@pytest.mark.parametrize(
    ("config", "kwargs", "message"),
    [
        (
            "rotate-x5",
            {"seed": 7},
            "seed is 7; the seed of frozen epochs is part of their name, for example rotate-x5-s7",
        ),
        (
            "rotate-x5",
            {"seed": None},
            "seed is None; the seed of frozen epochs is part of their name, for example "
            "rotate-x5-s7",
        ),
        (
            "rotate-x5",
            {"augment_splits": ["test"]},
            "augment_splits is ['test']; frozen epochs are made of the training split, so leave "
            "it out",
        ),
        (
            "rotate-x5",
            {"file_format": "parquet"},
            "file_format is 'parquet'; frozen epochs are stored as tfrecord or array_record",
        ),
        ("rotate-x5", {"n_jobs": 0}, "n_jobs is 0; give a positive number, or -1 for all cores"),
        ("rotate-x5", {"image_encoding": "jpeg"}, "image_encoding is 'jpeg'; give 'raw' or 'png'"),
        (
            "rescale-x5",
            {"image_encoding": "png"},
            "rescale makes float32 images, which PNG cannot hold; leave image_encoding out",
        ),
        (
            "rotate",
            {"image_encoding": "raw"},
            "image_encoding is about frozen epochs, such as rotate-x5; leave it out for rotate",
        ),
        ("rotate", {"backend": "dask"}, "backend is 'dask'; give loky or threading"),
    ],
)
def test_wrong_arguments_are_named(config: str, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        Builder(config=config, **kwargs)
    assert str(error.value) == message


@pytest.mark.parametrize("config", ["rotate", "rotate-x5"])
@pytest.mark.parametrize("kwargs", [{"n_jobs": 2}, {"n_jobs": -1}, {"backend": "threading"}])
def test_workers_that_a_config_does_not_need_are_ignored(
    config: str, kwargs: dict[str, Any], tmp_path: Path
) -> None:
    builder = Builder(config=config, data_dir=tmp_path, **kwargs)
    assert str(builder.recipe) == "rotate"


def test_wrong_names_are_named(tmp_path: Path) -> None:
    for name, message in (
        ("rotate-x0", "-x0 in 'rotate-x0': copies go from 1 to 10000"),
        ("rotate-x5-s0", "-s0 in 'rotate-x5-s0': 0 is the default seed; leave it out"),
    ):
        with pytest.raises(RecipeError) as error:
            tfds.load(f"cifar10_aug/{name}", data_dir=str(tmp_path))
        assert str(error.value) == message
    assert list(tmp_path.iterdir()) == []


def test_another_kind_of_file_in_the_same_place_is_refused(frozen_dir: Path) -> None:
    for kwargs, call, stored in (
        ({}, {"file_format": "array_record"}, "array_record and raw"),
        ({"image_encoding": "png"}, {}, "tfrecord and png"),
    ):
        builder = Builder(config=CONFIG, data_dir=str(frozen_dir), **kwargs)
        with pytest.raises(ExportError) as error:
            builder.download_and_prepare(**call)
        assert str(error.value) == (
            f"{builder.data_dir}: stored as tfrecord and raw, not as {stored}; choose another "
            "data_dir, or overwrite it (--overwrite)"
        )


def test_places_that_are_no_folders_are_named() -> None:
    with pytest.raises(ExportError) as error:
        local_folder(f"gs://bucket/data/cifar10_aug/{CONFIG}/1.0.0")
    assert str(error.value) == (
        f"gs://bucket/data/cifar10_aug/{CONFIG}/1.0.0: frozen epochs are written to a local or "
        "mounted folder; choose such a data_dir, and copy the finished dataset from there"
    )


def test_frozen_builders_can_be_pickled(frozen_dir: Path) -> None:
    builder = Builder(config=f"{RECIPE}-x3", data_dir=str(frozen_dir), n_jobs=1)
    copy = pickle.loads(pickle.dumps(builder))
    one, two = (b.as_dataset("test", batch_size=-1)["image"].numpy() for b in (builder, copy))
    assert (one == two).all()


def test_files_without_the_suffix_are_not_taken_for_frozen_epochs(
    frozen_dir: Path, data_dir: str, tmp_path: Path, made: Any
) -> None:
    """An online name stays online, whatever lies around."""
    shutil.copytree(Path(data_dir) / "cifar10_aug", tmp_path / "cifar10_aug")
    shutil.copytree(final_of(frozen_dir), tmp_path / "cifar10_aug" / RECIPE / "1.0.0")
    ds = tfds.load(f"cifar10_aug/{RECIPE}", split="train", data_dir=str(tmp_path), batch_size=-1)
    assert ds["image"].shape == (100, 32, 32, 3)
    assert (ds["image"].numpy() == cifar10_aug.Recipe.parse(RECIPE)(made.train_images)).all()
    assert isinstance(ds["image"], tf.Tensor)
