import tempfile
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from cifar10_aug.data.records import tfrecord


def test_checksums_are_those_of_rfc_3720() -> None:
    # Appendix B.4.
    assert google_crc32c.value(bytes(32)) == 0x8A9136AA
    assert google_crc32c.value(b"\xff" * 32) == 0x62A8AB43
    assert google_crc32c.value(bytes(range(32))) == 0x46DD794E


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=9))
def test_records_come_back(records: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        tfrecord.framed(records).tofile(path)
        assert list(tfrecord.read(path)) == records


def test_tensorflow_reads_what_is_written_and_the_other_way_round(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (7, 3163), dtype=np.uint8)
    expected = [row.tobytes() for row in rows]
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    tfrecord.framed(rows).tofile(ours)
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(ours))] == expected
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for record in expected:
            writer.write(record)
    assert list(tfrecord.read(theirs)) == expected
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (0, "record 0: its length has another checksum"),
        (13, "record 0: its data has another checksum"),
        (116 + 11, "record 1: its length has another checksum"),
        (2 * 116 - 1, "record 1: its data has another checksum"),
    ],
)
def test_a_changed_byte_is_found(place: int, message: str, tmp_path: Path) -> None:
    data = tfrecord.framed([bytes(100)] * 3)
    data[place] ^= 4
    data.tofile(tmp_path / "file")
    with pytest.raises(ValueError, match=message):
        list(tfrecord.read(tmp_path / "file"))


def test_a_file_that_is_cut_off_anywhere_is_found(tmp_path: Path) -> None:
    data = tfrecord.framed([bytes(10)] * 3)
    for size in range(len(data)):
        data[:size].tofile(tmp_path / "file")
        if size % 26:
            with pytest.raises(ValueError, match="cut off"):
                list(tfrecord.read(tmp_path / "file"))
        else:
            assert len(list(tfrecord.read(tmp_path / "file"))) == size // 26


def test_framed_records_come_back_and_the_one_that_is_damaged_is_named() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (5, 40), dtype=np.uint8)
    frames = tfrecord.framed(rows).reshape(5, -1)
    assert (tfrecord.unframed(frames) == rows).all()
    for place in (12, 51, 52, 55):
        damaged = frames.copy()
        damaged[3, place] ^= 1
        with pytest.raises(ValueError, match=r"^record 13: its data has another checksum$"):
            tfrecord.unframed(damaged, 10)
