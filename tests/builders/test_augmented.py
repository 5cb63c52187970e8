"""The TFDS face, and the contract's third point: what you name is what you get."""

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug
from cifar10_aug import RecipeError, SourceError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.builders.cifar10_aug_sample_dataset_builder import Builder as SampleBuilder
from cifar10_aug.data.sources import local
from cifar10_aug.data.sources.official import BINARY
from cifar10_aug.data.spec import SAMPLE
from cifar10_aug.recipes.presets import PRESETS
from tests import archives, programs
from tests.cli.running import run

RECIPE = "rotate30+erase"


def images_of(name: str, data_dir: str | Path, **kwargs: Any) -> np.ndarray:
    ds = tfds.load(name, split="train", batch_size=-1, data_dir=str(data_dir), **kwargs)
    return np.asarray(ds["image"])


@pytest.fixture
def expected(made: Any) -> np.ndarray:
    images = cifar10_aug.Recipe.parse(RECIPE)(made.train_images)
    assert (images != made.train_images).any(axis=(1, 2, 3)).mean() > 0.99
    return np.asarray(images)


@pytest.mark.parametrize("version", ["", ":1.0.0", ":1.*.*"])
def test_every_way_to_a_recipe_is_augmented(
    version: str, data_dir: str, expected: np.ndarray
) -> None:
    for _ in range(2):
        assert (images_of(f"cifar10_aug/{RECIPE}{version}", data_dir) == expected).all()


def test_files_in_a_recipes_folder_are_not_taken_for_it(
    data_dir: str, expected: np.ndarray, tmp_path: Path
) -> None:
    place = tmp_path / "cifar10_aug"
    shutil.copytree(Path(data_dir) / "cifar10_aug", place)
    planted = place / RECIPE / "1.0.0"
    shutil.copytree(place / "plain" / "1.0.0", planted)
    for name in (f"cifar10_aug/{RECIPE}", f"cifar10_aug/{RECIPE}:1.0.0"):
        assert (images_of(name, tmp_path) == expected).all()
        assert tfds.builder(name, data_dir=str(tmp_path)).info.full_name == (
            f"cifar10_aug/{RECIPE}/1.0.0"
        )


def test_the_default_config_is_the_standard_recipe(data_dir: str, made: Any) -> None:
    expected = cifar10_aug.Recipe.parse("crop4+flip")(made.train_images)
    for name in ("cifar10_aug", "cifar10_aug:1.0.0", "cifar10_aug/standard"):
        assert (images_of(name, data_dir) == expected).all()


def test_plain_is_plain(data_dir: str, made: Any) -> None:
    for name in ("cifar10_aug/plain", "cifar10_aug/plain:1.0.0"):
        assert (images_of(name, data_dir) == made.train_images).all()


def test_arguments_in_the_name_work(data_dir: str, made: Any) -> None:
    expected = cifar10_aug.Recipe.parse("rotate")(made.train_images, seed=7)
    assert (images_of("cifar10_aug/rotate/seed=7", data_dir) == expected).all()


def test_online_configs_own_no_folder(data_dir: str) -> None:
    images_of(f"cifar10_aug/{RECIPE}", data_dir)
    folders = {f.name for f in (Path(data_dir) / "cifar10_aug").iterdir()}
    assert folders == {"plain", ".config"}


def test_preparing_a_recipe_prepares_plain(sources: dict[str, Path], tmp_path: Path) -> None:
    builder = tfds.builder(
        f"cifar10_aug/{RECIPE}+normalize",
        data_dir=str(tmp_path),
        source=str(sources["binary archive"]),
    )
    assert not builder.is_prepared()
    builder.download_and_prepare()
    stored = json.loads((tmp_path / "cifar10_aug/plain/1.0.0/dataset_info.json").read_text())
    assert stored["configName"] == "plain"
    features = (tmp_path / "cifar10_aug/plain/1.0.0/features.json").read_text()
    assert "float32" not in features
    assert builder.info.splits["train"].num_examples == 100
    assert builder.info.features["image"].np_dtype == np.float32


@pytest.mark.slow
def test_two_fresh_processes_give_the_same_three_epochs(data_dir: str) -> None:
    program = f"""
import os; os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import hashlib, cifar10_aug, tensorflow_datasets as tfds
ds = tfds.load("cifar10_aug/{RECIPE}", split="train", data_dir={data_dir!r}, batch_size=32,
               shuffle_files=True)
for epoch in range(3):
    digest = hashlib.sha256()
    for batch in ds.as_numpy_iterator():
        digest.update(batch["image"]); digest.update(b"".join(batch["id"]))
    print(digest.hexdigest())
"""
    outputs = [programs.run("-c", program, check=True).stdout.split() for _ in range(2)]
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0])) == 3


# What these recipes make of the sample; where one changed on purpose, the changelog says so.
GOLDEN = {
    "rotate30+erase": ("f75235b29cfacb88cee969321d2397be8f68c2a6766c86f0bb382ea5f1649ff9"),
    "standard": ("1dbf55ea937c70c170866b20a57341f1d77152cfea354412b19a1f60710680ff"),
    "shift+shear+zoom+flipud+scalecrop": (
        "ab1b3b80647cda2a6116305b5c649ae9fc7ca6d4e33aa1ef36ed1f017914c76b"
    ),
    "rotate_fillmodereflect+crop4+erase_fillnoise": (
        "e535bcc186761df0cba10f8ab70f66bf83429af2278ca85b06c64a12c317edb9"
    ),
    "zoom_isotropic0.5-1.5_fillmodeconstant_cval9+normalize": (
        "e233b9541f84f24f3892e4ec72b8d8e7f6792a0309a19db37369a2e1040bf354"
    ),
    "standard--rotate30+erase--standard": (
        "2256228aa39c38b63952561d480d0b81bad10bcdb325b3e76ada744d0c81a313"
    ),
}


@pytest.mark.parametrize("recipe", GOLDEN)
def test_pixels_are_the_same_on_every_machine(recipe: str, sample_images: np.ndarray) -> None:
    digest = hashlib.sha256()
    for epoch in range(3):
        digest.update(cifar10_aug.Recipe.parse(recipe)(sample_images, seed=3, epoch=epoch))
    assert digest.hexdigest() == GOLDEN[recipe]


@pytest.mark.parametrize("version", ["", ":1.0.0"])
def test_a_wrong_recipe_is_one_readable_error(version: str, data_dir: str) -> None:
    with pytest.raises(RecipeError) as error:
        tfds.load(f"cifar10_aug/rotat30+erase{version}", data_dir=data_dir)
    assert str(error.value).startswith(
        "'rotat30' in recipe 'rotat30+erase': there is no op 'rotat'. Did you mean rotate, "
    )
    assert "\n" not in str(error.value)


def test_there_is_no_random_access_to_what_is_made_while_it_is_read(data_dir: str) -> None:
    with pytest.raises(RecipeError) as error:
        Builder(config="rotate", data_dir=data_dir).as_data_source("train")
    assert str(error.value) == (
        "'rotate' is made while it is read, so there is no random access to it; use tfds.load, or "
        "cifar10_aug.Recipe.parse(name)(images, ids=…, epoch=…) on your own arrays"
    )
    with pytest.raises(ValueError, match="file_format"):
        tfds.data_source("cifar10_aug/rotate")


def test_reading_what_is_not_prepared_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        tfds.load("cifar10_aug/rotate", data_dir=str(tmp_path), download=False)
    assert str(error.value) == (
        f"cifar10_aug: no images are prepared in {tmp_path}; let tfds.load download them "
        "(download=True), or call builder.download_and_prepare()"
    )


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"seed": -1}, "seed is -1; give a whole number from 0 to 18446744073709551615"),
        (
            {"file_format": "array_record"},
            "file_format is 'array_record'; the images are stored as tfrecord and read back "
            "whole, so leave file_format out",
        ),
        ({"seed": "7"}, "seed is '7'; give a whole number from 0 to 18446744073709551615"),
        (
            {"augment_splits": "train"},
            "augment_splits is 'train'; give a list of train and test, or of slices of them, for "
            "example ('train',) or ('train[:90%]',)",
        ),
        (
            {"augment_splits": ["validation"]},
            "augment_splits is ['validation']; give a list of train and test, or of slices of "
            "them, for example ('train',) or ('train[:90%]',)",
        ),
        (
            {"augment_splits": ["train[:9"]},
            "augment_splits is ['train[:9']; give a list of train and test, or of slices of "
            "them, for example ('train',) or ('train[:90%]',)",
        ),
    ],
)
def test_wrong_builder_arguments_are_named(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        Builder(config="rotate", **kwargs)
    assert str(error.value) == message


def test_configs_list_the_presets_and_hold_every_recipe() -> None:
    assert list(Builder.builder_configs) == list(PRESETS)
    assert "rotate15+zoom0.5-1.5" in Builder.builder_configs
    config = Builder.builder_configs["rotate30.0"]
    assert config.name == "rotate30"
    assert Builder.builder_configs["rotate30"] is config
    assert len(Builder.builder_configs) == len(PRESETS)


def test_the_config_is_named_as_normalised(data_dir: str) -> None:
    builder = tfds.builder("cifar10_aug/rotate30.0", data_dir=data_dir)
    assert builder.info.full_name == "cifar10_aug/rotate30/1.0.0"


def test_metadata_say_where_the_images_are_from(data_dir: str, sources: dict[str, Path]) -> None:
    metadata = Builder(config="rotate", data_dir=data_dir).info.metadata
    assert metadata["source"] == "archive"
    assert metadata["name"] == "cifar-10-binary.tar.gz"
    assert metadata["official"] is False
    assert metadata["digest"].startswith("sha256:")
    assert metadata["format_version"] == 1


def test_builders_can_be_pickled(data_dir: str) -> None:
    builder = Builder(config="rotate", data_dir=data_dir, seed=5, augment_splits=["test"])
    copy = pickle.loads(pickle.dumps(builder))
    assert (copy.seed, copy.recipe, copy.data_dir) == (5, builder.recipe, builder.data_dir)
    one, two = (b.as_dataset("test", batch_size=-1)["image"].numpy() for b in (builder, copy))
    assert (one == two).all()


def test_stock_tfds_reads_plain(data_dir: str, made: Any) -> None:
    program = f"""
import os, sys; os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow_datasets as tfds
builder = tfds.builder_from_directory({data_dir!r} + "/cifar10_aug/plain/1.0.0")
examples = list(tfds.as_numpy(builder.as_dataset(split="train")))
assert "cifar10_aug" not in sys.modules
assert [e["id"] for e in examples] == [f"train_{{i:05d}}".encode() for i in range(100)]
print(sum(int(e["image"].sum()) for e in examples), builder.info.features["label"].names)
"""
    done = programs.run("-c", program, check=True, cwd="/")
    total, names = done.stdout.split(" ", 1)
    assert int(total) == made.train_images.astype(int).sum()
    assert "airplane" in names


def test_the_sample_needs_no_source(tmp_path: Path, sample_images: np.ndarray) -> None:
    ds, info = tfds.load(
        "cifar10_aug_sample/rotate30+erase", split="train", data_dir=str(tmp_path), with_info=True
    )
    assert info.splits["train"].num_examples == 4000
    assert info.features["label"].names == list(SAMPLE.class_names)
    assert info.metadata["source"] == "drawn"
    expected = cifar10_aug.Recipe.parse("rotate30+erase")(sample_images[:5])
    found = np.stack([example["image"] for example in ds.take(5).as_numpy_iterator()])
    assert (found == expected).all()


def test_preparing_twice_at_once_is_no_error(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Builder._read_source

    def slower(self: Builder, *args: Any) -> Any:
        # While this one reads its source, another process finishes.
        monkeypatch.setattr(Builder, "_read_source", read)
        other = Builder(config="plain", data_dir=str(tmp_path), source=sources["binary folder"])
        other.download_and_prepare()
        return read(self, *args)

    monkeypatch.setattr(Builder, "_read_source", slower)
    builder = Builder(config="plain", data_dir=str(tmp_path), source=sources["binary folder"])
    builder.download_and_prepare()
    assert len(builder.as_dataset("train")) == 100
    assert not list(tmp_path.rglob("incomplete*"))


def test_preparing_other_images_at_once_tells_what_is_there(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = archives.write_folder(archives.make(seed=1), tmp_path / "theirs", BINARY)
    place = str(tmp_path / "data")
    write = Builder._write

    def slower(self: Builder, *args: Any, **kwargs: Any) -> None:
        # While this one is about to write, another process finishes.
        monkeypatch.setattr(Builder, "_write", write)
        Builder(config="plain", data_dir=place, source=theirs).download_and_prepare()
        write(self, *args, **kwargs)

    monkeypatch.setattr(Builder, "_write", slower)
    builder = Builder(config="plain", data_dir=place, source=sources["binary folder"])
    with pytest.raises(SourceError) as error:
        builder.download_and_prepare()
    content = local.read(theirs).content_digest()
    assert str(error.value) == (
        f"{builder.data_dir}: another process has prepared other images here in the meantime "
        f"(folder cifar-10-batches-bin, {content}); use another data_dir, or replace them with "
        "cifar10-aug prepare --overwrite"
    )
    assert builder.info.metadata["content"] == content


@pytest.mark.parametrize("config", ["plain", "flip"])
@pytest.mark.parametrize("mode", ["REUSE_CACHE_IF_EXISTS", "FORCE_REDOWNLOAD"])
def test_overwriting_replaces_what_is_prepared(
    config: str, mode: str, data_dir: str, tmp_path: Path
) -> None:
    shutil.copytree(data_dir, tmp_path / "data")
    made = archives.make(per_file=10, seed=1)
    other = archives.write_folder(made, tmp_path, BINARY)
    # A builder that was made before.
    builder = Builder(config=config, data_dir=str(tmp_path / "data"), source=other)
    download_config = tfds.download.DownloadConfig(download_mode=getattr(tfds.GenerateMode, mode))
    builder.download_and_prepare(download_config=download_config)
    assert builder.info.splits["train"].num_examples == 50
    ds = builder.as_dataset("train", batch_size=-1)
    assert (ds["image"].numpy() == cifar10_aug.Recipe.parse(config)(made.train_images)).all()
    folder = tmp_path / "data" / "cifar10_aug" / "plain"
    assert {path.name for path in folder.iterdir()} == {"1.0.0"}


def test_preparing_says_what_is_prepared_and_nothing_of_a_download(
    sources: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SampleBuilder(config="flip", data_dir=str(tmp_path)).download_and_prepare()
    source = sources["binary folder"]
    Builder(config="plain", data_dir=str(tmp_path), source=source).download_and_prepare()
    assert capsys.readouterr().out == (
        f"Preparing cifar10_aug_sample/plain/1.0.0 in {tmp_path} from drawn sample.\n"
        f"Preparing cifar10_aug/plain/1.0.0 in {tmp_path} from folder cifar-10-batches-bin.\n"
    )


def test_damaged_files_are_an_error(data_dir: str, tmp_path: Path) -> None:
    shutil.copytree(data_dir, tmp_path, dirs_exist_ok=True)
    file = next((tmp_path / "cifar10_aug/plain/1.0.0").glob("*train*"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(SourceError, match="the prepared images are damaged") as error:
        images_of("cifar10_aug/rotate", tmp_path)
    assert str(error.value).endswith("delete this folder and prepare them again")


@pytest.mark.parametrize("found", ["missing", "a folder"])
def test_a_missing_file_is_an_error(found: str, data_dir: str, tmp_path: Path) -> None:
    shutil.copytree(data_dir, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "cifar10_aug/plain/1.0.0"
    file = next(folder.glob("*train*"))
    file.unlink()
    if found == "a folder":
        file.mkdir()
    with pytest.raises(SourceError) as error:
        images_of("cifar10_aug/rotate", tmp_path)
    assert str(error.value) == (
        f"{folder}: the prepared images are damaged ({file.name} is {found}); "
        "delete this folder and prepare them again"
    )


@pytest.mark.parametrize("content", ["", "{]", "[]", "{}"])
def test_a_damaged_description_is_an_error(content: str, data_dir: str, tmp_path: Path) -> None:
    shutil.copytree(data_dir, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "cifar10_aug/plain/1.0.0"
    (folder / "dataset_info.json").write_text(content)
    with pytest.raises(SourceError) as error:
        Builder(config="rotate", data_dir=str(tmp_path))
    said = str(error.value)
    assert said.startswith(f"{folder}: dataset_info.json or metadata.json is damaged (")
    assert said.endswith("); delete this folder and prepare it again")
    assert "\n" not in said
    result = run("info", "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert result.output == f"Error: {said}\n"


def test_missing_examples_are_an_error(data_dir: str, tmp_path: Path) -> None:
    shutil.copytree(data_dir, tmp_path, dirs_exist_ok=True)
    file = next((tmp_path / "cifar10_aug/plain/1.0.0").glob("*train*"))
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(file))]
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records[:-1]:
            writer.write(record)
    with pytest.raises(SourceError, match="99 images instead of 100"):
        images_of("cifar10_aug/rotate", tmp_path)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records[::-1]:
            writer.write(record)
    with pytest.raises(SourceError, match="images in another order"):
        images_of("cifar10_aug/rotate", tmp_path)


def test_images_are_read_once_for_all_pipelines(
    data_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cifar10_aug.pipelines import resident

    reads = []
    read = resident._read

    def counted(*args: Any) -> resident.Resident:
        reads.append(args)
        return read(*args)

    monkeypatch.setattr(resident, "_read", counted)
    load: Callable[[str], Any] = lambda name: tfds.load(  # noqa: E731
        name, split="train", data_dir=data_dir
    )
    kept = [load("cifar10_aug/rotate"), load("cifar10_aug/flip"), load("cifar10_aug/plain")]
    assert len(kept) == 3
    assert len(reads) <= 1


def test_files_are_written_as_tensorflow_writes_them(data_dir: str, tmp_path: Path) -> None:
    for file in Path(data_dir).glob("**/*.tfrecord*"):
        with tf.io.TFRecordWriter(str(tmp_path / file.name)) as writer:
            for record in tf.data.TFRecordDataset(str(file)):
                writer.write(record.numpy())
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("config", "parts", "said"),
    [
        ("flip", ["train"], " Augmented by flip: train."),
        ("flip", ["train[:90%]", "test"], " Augmented by flip: train[:90%], test."),
        ("flip", [], " Augmented by flip: nothing."),
        ("rescale", ["train"], ""),
    ],
)
def test_info_says_which_part_is_augmented(
    config: str, parts: list[str], said: str, data_dir: str
) -> None:
    builder = Builder(config=config, data_dir=data_dir, augment_splits=parts)
    assert builder.info.description == Builder._description + said
