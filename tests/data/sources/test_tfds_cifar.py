import json
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from cifar10_aug.data.sources import tfds_cifar
from cifar10_aug.data.sources.official import CIFAR10, Published
from cifar10_aug.errors import SourceError
from tests import archives


def prepare(
    data_dir: Path,
    made: archives.Made,
    published: Published = CIFAR10,
    ids: list[str] | None = None,
) -> None:
    """A folder like that of TFDS's own dataset after it was prepared, with made images."""
    with tfds.core.registered.skip_registration():

        class Own(tfds.core.GeneratorBasedBuilder):
            name = published.name
            VERSION = tfds.core.Version("3.0.2")

            def _info(self) -> tfds.core.DatasetInfo:
                features = {
                    "id": tfds.features.Text(),
                    "image": tfds.features.Image(shape=(32, 32, 3)),
                    "label": tfds.features.ClassLabel(num_classes=len(published.classes)),
                }
                return tfds.core.DatasetInfo(
                    builder=self, features=tfds.features.FeaturesDict(features)
                )

            def _split_generators(self, manager: object) -> dict[str, object]:
                return {
                    "train": self._generate_examples("train"),
                    "test": self._generate_examples("test"),
                }

            def _generate_examples(self, split: str) -> object:
                images = getattr(made, f"{split}_images")
                labels = getattr(made, f"{split}_labels")
                for i in range(len(images)):
                    name = ids[i] if ids and split == "train" else f"{split}_{i:05d}"
                    yield i, {"id": name, "image": images[i], "label": int(labels[i])}

    builder = Own(data_dir=str(data_dir))
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    builder.download_and_prepare(download_config=config)


@pytest.fixture(autouse=True)
def _no_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfds.core.DatasetInfo, "initialize_from_bucket", lambda self: None)


def test_there_is_none(tmp_path: Path) -> None:
    assert tfds_cifar.read(tmp_path, CIFAR10) is None


def test_it_is_read_in_official_order(made: archives.Made, tmp_path: Path) -> None:
    prepare(tmp_path, made)
    found = tfds_cifar.read(tmp_path, CIFAR10)
    assert found is not None
    assert (found.train.images == made.train_images).all()
    assert (found.test.labels == made.test_labels).all()
    assert found.provenance.source == "tfds"
    assert found.provenance.name == "cifar10/3.0.2"


def test_it_is_used_before_anything_is_downloaded(made: archives.Made, tmp_path: Path) -> None:
    prepare(tmp_path, made)
    builder = Builder(config="standard", data_dir=str(tmp_path), mirror="http://127.0.0.1:9/no")
    builder.download_and_prepare()
    assert builder.info.metadata["source"] == "tfds"
    assert builder.info.splits["train"].num_examples == 100


@pytest.mark.parametrize("wrong", ["train_00001", "train_00100", "other_00000"])
def test_ids_that_are_not_the_official_ones_are_refused(
    wrong: str, made: archives.Made, tmp_path: Path
) -> None:
    ids = [f"train_{i:05d}" for i in range(100)]
    ids[0] = wrong
    prepare(tmp_path, made, ids=ids)
    with pytest.raises(SourceError, match="delete this folder or pass source=PATH"):
        tfds_cifar.read(tmp_path, CIFAR10)


def damaged(data_dir: Path, what: str) -> None:
    folder = data_dir / "cifar10" / "3.0.2"
    (shard,) = folder.glob("*train*")
    info = folder / "dataset_info.json"
    if what == "cut":
        shard.write_bytes(shard.read_bytes()[:1000])
    elif what == "missing":
        shard.unlink()
    elif what == "no description":
        info.write_text("{")
    else:
        content = json.loads(info.read_text())
        for split in content["splits"]:
            split["shardLengths"] = [what]
        info.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("cut", "truncated record at"),
        ("missing", "No such file or directory"),
        ("no description", "Failed to load JSON"),
        ("-5", "negative dimensions are not allowed"),
        ("100000000000", "Unable to allocate"),
        ("101", "Input dataset was expected to contain 101 elements"),
    ],
)
def test_what_tfds_cannot_read_is_refused(
    what: str, reason: str, made: archives.Made, tmp_path: Path
) -> None:
    prepare(tmp_path, made)
    damaged(tmp_path, what)
    with pytest.raises(SourceError) as error:
        tfds_cifar.read(tmp_path, CIFAR10)
    said = str(error.value)
    folder = tmp_path / "cifar10" / ("" if what == "no description" else "3.0.2")
    assert said.startswith(f"{folder}: TFDS cannot read the cifar10 that it has prepared ("), said
    assert reason in said
    assert said.endswith("); delete this folder or pass source=PATH")
    assert "node" not in said
