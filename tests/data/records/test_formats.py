import hashlib
from pathlib import Path

import numpy as np
import pytest

from cifar10_aug.data.records.formats import FORMATS

CHUNKS = [np.full((3, 50), i, np.uint8) for i in range(4)]
EXPECTED = [row.tobytes() for chunk in CHUNKS for row in chunk]


@pytest.mark.parametrize("name", FORMATS)
def test_chunks_come_back_as_records(name: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    digest = FORMATS[name].write(path, CHUNKS)
    assert list(FORMATS[name].read(path)) == EXPECTED
    assert digest == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_records_are_the_same_bytes(name: str, tmp_path: Path) -> None:
    as_rows = FORMATS[name].write(tmp_path / "one", CHUNKS)
    assert FORMATS[name].write(tmp_path / "two", [EXPECTED]) == as_rows


@pytest.mark.parametrize("name", FORMATS)
def test_a_place_that_cannot_be_written_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file or directory") as error:
        FORMATS[name].write(tmp_path / "missing" / "file", CHUNKS)
    assert error.value.filename == str(tmp_path / "missing" / "file")


def test_array_records_have_random_access(tmp_path: Path) -> None:
    from array_record.python.array_record_data_source import ArrayRecordDataSource

    FORMATS["array_record"].write(tmp_path / "file", CHUNKS)
    with ArrayRecordDataSource([str(tmp_path / "file")]) as source:
        assert source[7] == EXPECTED[7]
