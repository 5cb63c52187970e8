import json
from pathlib import Path

import pytest

from cifar10_aug.frozen import checksums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "features.json").write_text("{}")
    checksums.seal(tmp_path, {"recipe": "flip", "seed": 0}, {"shard": "sha256:1"})
    return tmp_path


def test_sealed_metadata_come_back(folder: Path) -> None:
    metadata = checksums.read(folder)
    assert metadata["recipe"] == "flip"
    assert list(metadata["files"]) == ["features.json", "shard"]
    assert metadata["dataset_digest"].startswith("sha256:")


def test_every_changed_bit_breaks_the_seal(folder: Path) -> None:
    path = folder / "metadata.json"
    data = path.read_bytes()
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            with pytest.raises(ValueError, match="edited or damaged"):
                checksums.read(folder)


@pytest.mark.parametrize("text", ["", "{}", "[]", "7", '{"dataset_digest": 1}', "[" * 10_000])
def test_what_is_no_metadata_is_named(folder: Path, text: str) -> None:
    (folder / "metadata.json").write_text(text)
    with pytest.raises(ValueError, match="edited or damaged"):
        checksums.read(folder)


def test_another_spelling_of_the_same_breaks_the_seal(folder: Path) -> None:
    path = folder / "metadata.json"
    text = path.read_text()
    for other in (text.replace(" ", "\n", 1), text + "\n", json.dumps(json.loads(text), indent=1)):
        path.write_text(other)
        with pytest.raises(ValueError, match="edited or damaged"):
            checksums.read(folder)


def test_an_edit_that_is_spelled_as_ours_breaks_the_seal(folder: Path) -> None:
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["seed"] = 1
    (folder / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="edited or damaged"):
        checksums.read(folder)


def test_missing_strange_and_damaged_files_are_named(folder: Path) -> None:
    files = checksums.read(folder)["files"]
    (folder / "features.json").write_text("{ }")
    (folder / "other").touch()
    assert list(checksums.broken(folder, files)) == [
        ("features.json", "damaged: its digest is not the recorded one"),
        ("other", "not part of the dataset"),
        ("shard", "missing"),
    ]
