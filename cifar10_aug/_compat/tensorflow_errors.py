"""TensorFlow's errors, as this package passes them on."""

from __future__ import annotations

import contextlib
import errno
import re
import sys
from collections.abc import Iterator

# Where in TensorFlow it was: {{node …}} before, [[node …]] and [Op:…] after.
_WHERE = re.compile(r"\{\{[^{}]*\}\}|\[\[.*?\]\]|\[Op:.*", re.DOTALL)


def reason(error: BaseException) -> str:
    """What went wrong, in one line; without where in TensorFlow's graphs."""
    text = _WHERE.sub("", str(getattr(error, "message", error)))
    return " ".join(text.split()) or type(error).__name__


def is_one(error: BaseException) -> bool:
    """Whether TensorFlow raised it; then TensorFlow is imported."""
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(error, tf.errors.OpError)


def is_interrupt(error: BaseException) -> bool:
    """Whether it is what TensorFlow 2.21 makes of Ctrl-C where another error comes meanwhile."""
    return isinstance(error, RuntimeError) and "REPLACED BY KeyboardInterrupt" in str(error)


@contextlib.contextmanager
def of_files() -> Iterator[None]:
    """Raises what TensorFlow says of files, such as a full disk, as Python does: an `OSError`."""
    try:
        yield
    except Exception as error:
        if not is_one(error):
            raise
        tf = sys.modules["tensorflow"]
        file, _, what = str(getattr(error, "message", error)).rpartition("; ")
        full = isinstance(error, tf.errors.ResourceExhaustedError)
        raise OSError(errno.ENOSPC if full else errno.EIO, what, file or None) from error
