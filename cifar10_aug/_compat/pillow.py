"""For tensorflow-datasets 4.9: it makes Pillow take pictures that are cut off, in all of a process.

This can go when it no longer does; until then tests/data/sources/test_forms.py fails without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def whole_pictures() -> Iterator[None]:
    """Has Pillow refuse pictures that are cut off, as it does by itself."""
    from PIL import ImageFile

    tolerant, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = tolerant
