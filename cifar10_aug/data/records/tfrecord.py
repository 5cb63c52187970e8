"""The TFRecord file format, without TensorFlow.

A record is its length (8 bytes, little-endian), the length's checksum (4), the data and the data's
checksum (4). Checksums are CRC-32C (Castagnoli; RFC 3720, appendix B.4), rotated right by 15 bits
and offset, as TensorFlow's `core/lib/hash/crc32c.h` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import google_crc32c
import numpy as np

from cifar10_aug.data.records.examples import Records

_MASK_OFFSET = 0xA282EAD8
HEADER, _FOOTER = 12, 4
OVERHEAD = HEADER + _FOOTER
# Of the data, in a framed record.
CHECKSUM = slice(-_FOOTER, None)


def framed(records: Records) -> np.ndarray:
    """The records as they are in a file, uint8 [bytes]."""
    if not isinstance(records, np.ndarray):
        return np.concatenate([framed(np.frombuffer(record, np.uint8)[None]) for record in records])
    count, size = records.shape
    out = np.empty((count, size + OVERHEAD), np.uint8)
    out[:, :8] = _bytes([size], "<u8")
    out[:, 8:HEADER] = _masked([google_crc32c.value(size.to_bytes(8, "little"))])
    out[:, HEADER:-_FOOTER] = records
    out[:, -_FOOTER:] = _masked([google_crc32c.value(record) for record in records])
    return out.reshape(-1)


def read(path: Path) -> Iterator[bytes]:
    """The records of a file, their checksums compared.

    Raises:
        ValueError: at the first record that is damaged; the message is a clause.
    """
    place = 0
    with open(path, "rb") as file:
        while header := file.read(HEADER):
            size = int.from_bytes(_checked(header, 8, f"record {place}: its length"), "little")
            yield _checked(file.read(size + _FOOTER), size, f"record {place}: its data")
            place += 1


def unframed(frames: np.ndarray, first: int = 0) -> np.ndarray:
    """What records of one size hold, their data's checksums compared; the inverse of `framed`.

    Args:
        frames: uint8 [n, size + OVERHEAD].
        first: the number of the first of them.

    Returns:
        A view, uint8 [n, size].

    Raises:
        ValueError: at the first record that is damaged; the message is a clause.
    """
    content = frames[:, HEADER:-_FOOTER]
    right = _masked([google_crc32c.value(record) for record in content]) == frames[:, -_FOOTER:]
    if not right.all():
        damaged = first + int(right.all(1).argmin())
        raise ValueError(f"record {damaged}: its data has another checksum")
    return content


def places(path: Path) -> list[int]:
    """Where in a file its records begin, and where it ends.

    Raises:
        ValueError: if a length is damaged; the message is a clause.
    """
    found, end = [0], path.stat().st_size
    with open(path, "rb") as file:
        while found[-1] < end:
            file.seek(found[-1])
            header = file.read(OVERHEAD - _FOOTER)
            what = f"record {len(found) - 1}: its length"
            size = int.from_bytes(_checked(header, 8, what), "little")
            found.append(found[-1] + size + OVERHEAD)
    return found


def read_at(path: Path, places: Sequence[int], rows: Sequence[int]) -> Iterator[bytes]:
    """Some records of a file, their checksums compared.

    Args:
        path: of the file.
        places: see `places`.
        rows: which records.

    Raises:
        ValueError: if one is damaged; the message is a clause.
    """
    with open(path, "rb", buffering=0) as file:
        for row in rows:
            first, stop = places[row], places[row + 1]
            file.seek(first + OVERHEAD - _FOOTER)
            size = stop - first - OVERHEAD
            yield _checked(file.read(size + _FOOTER), size, f"record {row}: its data")


def _checked(data: bytes, size: int, what: str) -> bytes:
    """The first `size` bytes, if the checksum after them is right."""
    content, found = data[:size], data[size:]
    if len(found) != _FOOTER:
        raise ValueError(f"{what} is cut off")
    crc = google_crc32c.value(content)
    if (crc >> 15 | crc << 17) + _MASK_OFFSET & 0xFFFFFFFF != int.from_bytes(found, "little"):
        raise ValueError(f"{what} has another checksum")
    return content


def _masked(crcs: list[int]) -> np.ndarray:
    """uint8 [n, 4]."""
    bits = np.array(crcs, np.uint32)
    return _bytes((bits >> 15 | bits << 17) + np.uint32(_MASK_OFFSET), "<u4")


def _bytes(values: list[int] | np.ndarray, dtype: str) -> np.ndarray:
    array = np.asarray(values).astype(dtype)
    return array.view(np.uint8).reshape(len(array), -1)
