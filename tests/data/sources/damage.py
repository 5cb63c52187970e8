"""Archives and pickles that somebody has made to do harm, and damaged ones."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from cifar10_aug.data.sources.official import BINARY

MEMBER = f"{BINARY.folder}/{BINARY.train[0]}"
_BLOCK = tarfile.BLOCKSIZE


def gzip_bomb(path: Path, gigabytes: int, header: bytes) -> Path:
    """A header, and then zeros without end: a megabyte of file for each gigabyte."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = compressor.compress(header) + compressor.flush(zlib.Z_FULL_FLUSH)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    # Behind a full flush nothing refers to what was before.
    megabyte = compressor.compress(bytes(2**20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    path.write_bytes(start + megabyte * (gigabytes * 2**10))
    return path


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def members_without_end(path: Path, count: int) -> Path:
    """Empty members, which take half a kilobyte each, and more in tarfile's memory."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        for first in range(0, count, 1000):
            file.write(b"".join(header(f"{first + k}", 0) for k in range(1000)))
    return path


def headers_in_headers(path: Path, count: int) -> Path:
    """Long names of long names."""
    one = header("././@LongLink", 1, tarfile.GNUTYPE_LONGNAME) + b"x".ljust(_BLOCK, b"\0")
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(one * count)
    return path


def starts_of_members(content: bytes) -> list[int]:
    """Where the headers of an archive's members begin."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return [member.offset for member in tar]


def without_checksum(data: bytes) -> bytes:
    """A gzip file whose trailer is right about its length and wrong about its content."""
    assert gzip.decompress(data)
    return data[:-8] + bytes([data[-8] ^ 1]) + data[-7:]


def places_of_truncation(data: bytes) -> Iterator[int]:
    """Lengths inside the gzip header, in its trailer, and all over what is between."""
    yield from range(20)
    yield from range(20, len(data) - 20, len(data) // 40)
    yield from range(len(data) - 20, len(data))


def pickle_bombs(most_steps: int) -> dict[str, tuple[bytes, str]]:
    """Small files that fill the memory or the stack of an unpickler that lets them.

    Each comes with the error that it gets.
    """
    proto, many = pickle.PROTO + b"\x04", 2**20
    text = pickle.BINUNICODE + (2**20).to_bytes(4, "little") + b"x" * 2**20
    latin = pickle.BINUNICODE + (6).to_bytes(4, "little") + b"latin1"
    encode = pickle.GLOBAL + b"_codecs\nencode\n"
    again = b"".join(pickle.BINGET + bytes([k]) for k in (0, 1, 2))
    put = [pickle.BINPUT + bytes([k]) for k in range(3)]
    unpiled = again + pickle.TUPLE2 + pickle.REDUCE
    deep = pickle.EMPTY_TUPLE + pickle.TUPLE1 * 150_000
    names = "a dictionary has keys that are not names"
    steps = f"it takes more than {most_steps} steps"
    other, cut = "it holds no dictionary", "it is cut off"
    far = pickle.NONE + pickle.LONG_BINPUT + b"\xff" * 4
    return {
        "a place in memory far away": (proto + far + b".", other),
        "tuples in tuples as a key": (proto + b"}" + deep + b"Ns.", names),
        "tuples in tuples as keys": (proto + b"}(" + deep + b"Nu.", names),
        "tuples in tuples as a key of another kind": (proto + b"(" + deep + b"Nd.", names),
        "tuples in tuples": (proto + deep + b".", other),
        "a million lists": (proto + b"(" + b"]" * many + b"l.", steps),
        "a million sets": (
            proto + b"(" + b"\x8f" * many + b"l.",
            "it has a step b'\\x8f', which no batch does",
        ),
        "a million marks": (proto + b"(" * many + b".", steps),
        "bytes that are not there": (proto + pickle.BINBYTES8 + b"\xff" * 7 + b"\x7f.", cut),
        "a text that is not there": (proto + pickle.BINUNICODE + b"\xff\xff\xff\xff.", cut),
        "an array that is not there": (proto + pickle.BYTEARRAY8 + b"\xff" * 7 + b"\x7f.", cut),
        "a frame that is not there": (
            proto + pickle.FRAME + b"\xff" * 7 + b"\x7f.",
            "pop from empty list",
        ),
        "the same text a thousand times": (
            proto
            + (encode + put[0] + b"0" + text + put[1] + b"0" + latin + put[2] + b"0")
            + (b"(" + unpiled * 1000 + b"l."),
            "it writes the same bytes again and again",
        ),
    }
