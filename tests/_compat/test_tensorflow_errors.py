import errno

import pytest
import tensorflow as tf

from cifar10_aug._compat import tensorflow_errors


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{{function_node __wrapped__A}} cut off\n [Op:IteratorGetNext] name: ", "cut off"),
        ("{{node A}} cut\toff [[{{node B}}]] [[C]]", "cut off"),
        ("cut [off]", "cut [off]"),
        ("", "DataLossError"),
    ],
)
def test_a_reason_is_one_line_without_nodes(message: str, reason: str) -> None:
    assert tensorflow_errors.reason(tf.errors.DataLossError(None, None, message)) == reason


def test_errors_without_a_message_are_called_by_their_class() -> None:
    assert tensorflow_errors.reason(MemoryError()) == "MemoryError"
    assert tensorflow_errors.reason(ValueError("two\nlines")) == "two lines"


@pytest.mark.parametrize(
    ("kind", "number"),
    [(tf.errors.ResourceExhaustedError, errno.ENOSPC), (tf.errors.UnknownError, errno.EIO)],
)
def test_errors_of_files_are_errors_of_the_system(kind: type, number: int) -> None:
    with (
        pytest.raises(OSError, match="No space left on device") as error,
        tensorflow_errors.of_files(),
    ):
        raise kind(None, None, "/a/b; No space left on device")
    assert (error.value.errno, error.value.filename) == (number, "/a/b")


def test_other_errors_stay() -> None:
    with pytest.raises(ValueError, match="mine"), tensorflow_errors.of_files():
        raise ValueError("mine")
