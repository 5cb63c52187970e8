from pathlib import Path

import pytest

from tests.frozen.freezing import freeze


@pytest.fixture(scope="session")
def frozen_dir(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three frozen epochs; not to be changed."""
    place = tmp_path_factory.mktemp("frozen")
    freeze(place, sources["binary archive"])
    return place
