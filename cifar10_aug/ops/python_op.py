"""The op that a registered function does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

from cifar10_aug.ops.base import Op

# Where a registered function can run, by joblib's names: in worker processes, or in threads.
BACKENDS = ("loky", "threading")
# The dtypes it may return.
OUTPUTS = ("uint8", "float32")


class PythonOp(Op):
    """An op that a function of the user's does; see `cifar10_aug.register`.

    Attributes:
        function: (image, rng, **arguments) -> image, or the same with batches.
        batched: whether it takes uint8 [batch, height, width, 3] and a list of generators.
        output: the dtype of what it returns, "uint8" or "float32".
        backend: where it runs if nobody says otherwise, "loky" or "threading".
        seeded: whether it draws from global generators, so that it needs a separate process.
        registered_as: equal if the same function is registered again in the same way.
    """

    function: ClassVar[Callable[..., Any]]
    batched: ClassVar[bool]
    output: ClassVar[str]
    backend: ClassVar[str]
    seeded: ClassVar[bool]
    registered_as: ClassVar[tuple[Any, ...]]

    @property
    def arguments(self) -> dict[str, Any]:
        """The function's keyword arguments that a recipe can set."""
        # The attributes have a tail, so that no argument's name hides an attribute of an op.
        own = (a.name for a in dataclasses.fields(self) if a.name.endswith("_"))
        return {name.removesuffix("_"): getattr(self, name) for name in own}
