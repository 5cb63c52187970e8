from pathlib import Path
from typing import Any

import pytest

from cifar10_aug.engines.numba.source import Source
from cifar10_aug.frozen import staging as module
from cifar10_aug.frozen.staging import Staging
from tests.frozen.freezing import cifar10_of


@pytest.mark.parametrize("at_once", [7, 100, 500])
def test_the_source_comes_back(
    at_once: int, made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IMAGES_A_WRITE", at_once)
    staging = Staging(tmp_path)
    staging.make()
    staging.write_source(cifar10_of(made))
    for name, images in (("train", made.train_images), ("test", made.test_images)):
        source, labels = staging.read_source(name)
        expected = Source.of(images)
        assert (source.count, source.height, source.width) == (len(images), 32, 32)
        assert (source.pixels == expected.pixels).all()
        assert source.pixels.dtype == expected.pixels.dtype
        assert (labels == getattr(made, f"{name}_labels")).all()
    assert not list(tmp_path.rglob("*.writing-*"))


def test_what_is_half_written_never_has_its_name(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.make()

    def fail() -> None:
        with module._appearing(tmp_path / "file") as path:
            path.write_text("half")
            assert not (tmp_path / "file").exists()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not list(tmp_path.glob("file*"))
