"""Pickles are read without running what they name, whatever they are."""

import pickle
import re
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar10_aug.data.sources import batch_file, unpickle
from cifar10_aug.data.sources.official import CIFAR10, PYTHON
from cifar10_aug.errors import SourceError
from tests.data.sources import damage

BATCH: dict[Any, Any] = {
    b"data": np.arange(2 * 3072).reshape(2, 3072).astype(np.uint8),
    b"labels": [3, 4],
    b"filenames": [b"a.png", b"b.png"],
}


def message(found: str) -> str:
    return (
        f"batch: expected a pickled CIFAR-10 batch (data and labels), found something else "
        f"({found}); get the file again"
    )


def refusal(data: bytes) -> str:
    with pytest.raises(SourceError) as error:
        batch_file.read(data, PYTHON, CIFAR10, "batch")
    return str(error.value)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "labels",
    [
        [3, 4],
        (3, 4),
        [np.int64(3), np.uint8(4)],
        (np.int32(3), np.int16(4)),
        np.array([3, 4]),
        np.array([3, 4], ">i4"),
    ],
    ids=["list", "tuple", "NumPy integers", "tuple of them", "array", "array in another order"],
)
def test_labels_are_whole_numbers_however_they_are_kept(labels: Any, protocol: int) -> None:
    extra = {b"mean": 0.5, b"deviation": np.float32(0.25), b"more": [None, np.zeros(3), ("x", 2)]}
    data = pickle.dumps({**BATCH, b"labels": labels, **extra}, protocol=protocol)
    assert batch_file.read(data, PYTHON, CIFAR10, "batch").labels.tolist() == [3, 4]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_either_order_are_read(order: Any, protocol: int) -> None:
    data = pickle.dumps({**BATCH, b"data": BATCH[b"data"].copy(order)}, protocol=protocol)
    planes = batch_file.read(data, PYTHON, CIFAR10, "batch").images.transpose(0, 3, 1, 2)
    assert (planes.reshape(2, 3072) == BATCH[b"data"]).all()


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_of_the_time_is_read(protocol: int) -> None:
    found = batch_file.read(pickle.dumps(BATCH, protocol=protocol), PYTHON, CIFAR10, "batch")
    planes = found.images.transpose(0, 3, 1, 2).reshape(2, 3072)
    assert (planes == BATCH[b"data"]).all()
    assert found.labels.tolist() == [3, 4]


@pytest.mark.parametrize(("kind", "share"), [(int, 3), (np.int64, 1)])
def test_a_whole_batch_takes_fewer_steps_than_are_allowed(
    kind: Any, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"leptodactylus_pentadactylus_s_{k:06d}.png".encode() for k in range(10_000)]
    batch = {
        b"data": np.zeros((10_000, 3072), np.uint8),
        b"labels": [kind(k % 10) for k in range(10_000)],
        b"filenames": names,
    }
    monkeypatch.setattr(unpickle, "STEPS_AN_IMAGE", unpickle.STEPS_AN_IMAGE // share)
    # The protocol of which there are the most steps among those that hold bytes as bytes.
    assert len(batch_file.read(pickle.dumps(batch, protocol=2), PYTHON, CIFAR10, "batch")) == 10_000


BOMBS = damage.pickle_bombs(10_000 * unpickle.STEPS_AN_IMAGE)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_and_takes_no_memory(bomb: str) -> None:
    data, found = BOMBS[bomb]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(data) == message(found)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def by_name(name: bytes, argument: bytes) -> bytes:
    """A call in the oldest protocol, which any interpreter's pickle would carry out."""
    module, _, function = name.rpartition(b".")
    return b"c" + module + b"\n" + function + b"\n(S'" + argument + b"'\ntR."


@pytest.mark.parametrize(
    "name",
    [
        *("os.system", "posix.system", "subprocess.Popen", "builtins.eval", "builtins.exec"),
        *("builtins.__import__", "importlib.import_module", "numpy.load", "pickle.loads"),
        *("numpy.ndarray.tofile", "cifar10_aug.data.sources.local.read", "_codecs.decode"),
    ],
)
def test_nothing_that_a_pickle_names_is_run(name: str) -> None:
    module, _, function = name.rpartition(".")
    found = message(f"it names {module}.{function}, which no batch does")
    assert refusal(by_name(name.encode(), b"touch attacked")) == found


@pytest.mark.parametrize(
    "data",
    [
        b"(S'touch attacked'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch attacked'\no.",
        b"\x80\x02cos\nsystem\n)\x81.",
        b"\x80\x02\x82\x01.",
        b"Ptouch\n.",
        b"\x80\x05\x97.",
    ],
    ids=["INST", "OBJ", "NEWOBJ", "EXT1", "PERSID", "NEXT_BUFFER"],
)
def test_other_ways_to_call_are_unknown(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = refusal(data)
    assert "which no batch does" in found or "it names os.system" in found
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"numpy.core.multiarray\n_reconstruct", "it changes a function"),
        (b"_codecs\nencode", "it changes a function"),
        (b"numpy\nndarray", "missing 1 required positional argument"),
        (b"numpy\ndtype", "missing 1 required positional argument"),
    ],
)
@pytest.mark.parametrize("state", [b"}U\x04evilK\x01s", b"N}U\x0c__defaults__Ns\x86"])
def test_a_pickle_cannot_change_what_reads_it(name: bytes, said: str, state: bytes) -> None:
    assert said in refusal(b"\x80\x02c" + name + b"\n" + state + b"b.")
    test_every_protocol_of_the_time_is_read(2)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ([], "it holds no dictionary"),
        ({b"labels": [1]}, "it has no data"),
        ({b"data": BATCH[b"data"]}, "it has no labels"),
        ({b"data": b"x", b"labels": [1]}, "data are no array"),
        ({**BATCH, b"data": np.zeros((2, 3072), np.int8)}, "data are not uint8"),
        ({**BATCH, b"data": np.zeros((2, 3071), np.uint8)}, "data have shape [2, 3071] beside 2"),
        ({**BATCH, b"data": np.zeros((3, 3072), np.uint8)}, "data have shape [3, 3072] beside 2"),
        ({**BATCH, b"data": np.zeros((2, 3, 1024), np.uint8)}, "data have shape [2, 3, 1024]"),
        ({**BATCH, b"labels": b"34"}, "labels are not a list, a tuple or an array"),
        ({**BATCH, b"labels": np.zeros((2, 1), int)}, "labels have shape [2, 1]"),
        ({**BATCH, b"labels": np.zeros(2)}, "labels are not integers"),
        ({**BATCH, b"labels": [np.float64(1), 2]}, "labels are not integers"),
        ({**BATCH, b"labels": [3, 10**300]}, "a label is not a small integer"),
        ({**BATCH, b"labels": [3, None]}, "a label is not a small integer"),
        ({**BATCH, 7: 7}, "a dictionary has keys that are not names"),
    ],
)
def test_what_is_wrong_is_named(content: Any, found: str) -> None:
    prefix = message(found).removesuffix("); get the file again")
    assert refusal(pickle.dumps(content, protocol=2)).startswith(prefix)


class Array:
    """Pickled as an array of a shape that its bytes do not have."""

    def __init__(self, shape: tuple[int, ...]):
        self._shape = shape

    def __reduce__(self) -> Any:
        empty: Any = np.zeros((), np.uint8).__reduce__()
        return *empty[:2], (1, self._shape, np.dtype("u1"), False, bytes(2 * 3072))


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((-1, 3072), None),
        ((2, 3073), "cannot reshape array of size 6144 into shape (2,3073)"),
        ((2**62, 4), "cannot reshape array of size 6144 into shape (4611686018427387904,4)"),
        ((2**80, 3072), "Maximum allowed dimension exceeded"),
        ((1,) * 70, "maximum supported dimension"),
    ],
)
def test_a_shape_that_does_not_fit_its_bytes_is_refused(shape: Any, found: str | None) -> None:
    data = pickle.dumps({**BATCH, b"data": Array(shape)}, protocol=2)
    if found is None:
        assert len(batch_file.read(data, PYTHON, CIFAR10, "batch")) == 2
    else:
        assert found in refusal(data)


def test_a_pickles_own_words_stay_in_one_line() -> None:
    name = b"\x1b[31m" + b"x" * 10_000
    found = refusal(b"c" + name + b"\nsystem\n.")
    assert found == message("it names  [31m" + "x" * 106 + "…")


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_damaged_batch_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    data = bytearray(pickle.dumps(BATCH, protocol=2))
    # Half of them in what is not pixels.
    for place, value in changes:
        data[place % len(data) if place % 2 else -1 - place % 200] = value
    try:
        found = batch_file.read(bytes(data), PYTHON, CIFAR10, "batch")
    except SourceError as error:
        said = str(error)
        refused = re.fullmatch("batch: expected .* found .* get the file again", said)
        assert refused is not None
        return
    assert found.images.shape == (len(found.labels), 32, 32, 3)
