"""Whether TFDS's own methods have been replaced, as `tfds.testing.mock_data` replaces them.

It puts other functions into TFDS's base classes, which the methods of this package's builders
override. So these ask first, and give way.
"""

from __future__ import annotations

import inspect
from typing import Any

from tensorflow_datasets.core import dataset_builder


def mocked(method: Any) -> bool:
    """Whether a method of TFDS's base classes is another than the one that TFDS defines."""
    # What it was when this module was imported does not tell: that may happen inside a mock.
    return getattr(inspect.unwrap(method), "__globals__", None) is not vars(dataset_builder)
