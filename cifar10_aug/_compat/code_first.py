"""Makes TFDS ask this package's code before it looks for files.

With an explicit version, or a config that it does not know, `tfds.load` looks for prepared files
first and returns what it finds in the folder of that name, without asking the code. Under an
online recipe's name that could only be images that are not augmented. TFDS 4.9.10 has no public
switch for this.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tensorflow_datasets.core import load


def install(base: type, check_name: Callable[[str], object]) -> None:
    """Applies this rule before TFDS's own.

    Args:
        base: the class of the builders that it is for.
        check_name: raises an error if the name of a config is none; where TFDS calls the builder,
            it would wrap the message in its own.
    """
    theirs = load._try_load_from_files_first

    @functools.wraps(theirs)
    def code_first(cls: Any, **builder_kwargs: Any) -> bool:
        if cls is None or not issubclass(cls, base):
            return theirs(cls, **builder_kwargs)
        config = builder_kwargs.get("config")
        if config is not None:
            check_name(getattr(config, "name", config))
        return False

    load._try_load_from_files_first = code_first
