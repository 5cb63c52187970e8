"""Makes any function on NumPy images an op."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import random
import re
from collections.abc import Callable, Collection
from typing import Any, TypeVar, overload

import numpy as np

from cifar10_aug.errors import RegistrationError
from cifar10_aug.ops import OPS, PythonOp
from cifar10_aug.ops.fields import PlainNumberField, main_field, option
from cifar10_aug.ops.python_op import BACKENDS, OUTPUTS
from cifar10_aug.recipes import function_fields
from cifar10_aug.recipes.function_sources import about, called, identity
from cifar10_aug.recipes.presets import NAMED

_LONGEST_NAME = 32
_NAME = re.compile("[a-z](_?[a-z0-9])*")

F = TypeVar("F", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Seeded:
    """A function that draws from global generators, which are seeded before each call.

    Calling it changes the state of `random` and `numpy.random` in the process that does, which is
    why ops run it in worker processes only.
    """

    function: Callable[..., Any]

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """What `inspect.signature` looks at."""
        return self.function

    def __call__(self, image: Any, rng: np.random.Generator, **arguments: Any) -> Any:
        words = rng.integers(2**32, size=8, dtype=np.uint32)
        np.random.seed(words[:4])
        random.seed(words[4:].tobytes())
        return self.function(image, rng, **arguments)


def seeded(function: Callable[..., Any]) -> Seeded:
    """Makes a function reproducible that draws from `random` or `numpy.random`.

    All of `keras.preprocessing.image` does. Before each call, both are seeded from the example's
    own generator; and the function runs in worker processes only, where nobody else draws.

        >>> import numpy as np
        >>> import cifar10_aug
        >>> @cifar10_aug.register("grain")
        ... @cifar10_aug.seeded
        ... def grain(image, rng):
        ...     return image | np.random.randint(2, size=image.shape, dtype=np.uint8)
        >>> cifar10_aug.Recipe.parse("grain_p0.5").runs_python
        True

    Args:
        function: (image, rng, **arguments) -> image, for `register`.
    """
    return Seeded(function)


@overload
def register(
    name: str,
    *,
    batched: bool = False,
    output: str = "uint8",
    backend: str = "loky",
    replace: bool = False,
) -> Callable[[F], F]: ...


@overload
def register(
    name: str,
    function: F,
    *,
    batched: bool = False,
    output: str = "uint8",
    backend: str = "loky",
    replace: bool = False,
) -> F: ...


def register(
    name: str,
    function: Any = None,
    *,
    batched: bool = False,
    output: str = "uint8",
    backend: str = "loky",
    replace: bool = False,
) -> Any:
    """Makes a function an op: `name` can be used in recipes from now on, in this process.

    The function is called with an image, uint8 [height, width, 3], and the example's own generator,
    which depends on seed, epoch, example and the op's position in the recipe; it returns an image
    of the same shape. What it returns must depend on its arguments alone. Keyword arguments whose
    defaults are numbers are the op's fields, the first one the main field. Without `function` it
    is a decorator:

        >>> import cifar10_aug
        >>> @cifar10_aug.register("darken", backend="threading")
        ... def darken(image, rng, most=0.5):
        ...     return (image * (1 - most * rng.random())).astype("uint8")
        >>> cifar10_aug.Recipe.parse("flip+darken0.8").name
        'flip+darken0.8'

    Workers are processes that stay, one for each core, and share images with the pipeline through
    memory (on Linux; elsewhere they are sent); `n_jobs` changes their number, and with 1, functions
    run in the pipeline's own thread. Threads pay only for functions that release Python's lock for
    long. A function that cannot be pickled runs in threads, with a warning that says why.

    An error in a function stops the iteration, with the recipe, the op, the example's id and the
    function's own traceback; so do a wrong shape or dtype, and a worker that dies. After 20 seconds
    a warning names a function that has not returned, and its examples; there is no timeout.
    Pressing Ctrl-C twice ends the worker processes, and with them the iteration. Functions that run
    in threads, or with `n_jobs=1`, cannot be ended so while TensorFlow waits for them: end the
    program, by Ctrl-\\ in a terminal.

    Args:
        name: lower-case letters a to z, then also digits and single underscores: "sepia2". It must
            not read like another op with a number or a field.
        function: (image, rng, **arguments) -> image. It may change the image in place, and must
            not keep the generator.
        batched: call it with uint8 [batch, height, width, 3] and a list of generators instead, one
            an example. What it makes of an example must not depend on the others.
        output: "uint8", or "float32" for a function that sets the range of numbers in which pixels
            are returned. Like `rescale`, that one excludes others and runs on every split, so it
            should not be random; and it comes last.
        backend: "loky" runs it in worker processes; "threading" in threads of this process, for
            functions that release the interpreter's lock.
        replace: take the place of a function that is registered under this name. The same function
            (by its source text, module and name), registered in the same way, needs no `replace`.

    Returns:
        The function, as it was given.

    Raises:
        RegistrationError: if the name is taken or cannot be spelled in a recipe, if the function
            does not take these arguments, or if another argument is wrong.
    """
    if function is None:
        return functools.partial(
            register, name, batched=batched, output=output, backend=backend, replace=replace
        )
    registered_as = (identity(function), (_draws_globally(function), batched, output, backend))
    _check_name(name, replace, registered_as)
    for what, value, allowed in (("output", output, OUTPUTS), ("backend", backend, BACKENDS)):
        if value not in allowed:
            raise RegistrationError(f"{name}: {what} is {value!r}; give {' or '.join(allowed)}")
    if _draws_globally(function) and batched:
        raise RegistrationError(
            f"{name}: global generators are seeded for one image at a time; leave batched out"
        )
    if _draws_globally(function) and backend == "threading":
        raise RegistrationError(
            f"{name}: threads share global generators, so it must run in processes; leave "
            "backend out"
        )
    arguments = function_fields.fields(name, function)
    _check_alike(name, arguments)
    if name in OPS:
        # Workers may have imported what has been edited since.
        from cifar10_aug.engines.python import worker_pool

        worker_pool.renew()
    OPS[name] = dataclasses.make_dataclass(
        f"Registered_{name}",
        [
            # The tail is taken off again in `PythonOp.arguments`.
            (f"{argument}_", float, option(PlainNumberField(default)))
            for argument, default in arguments.items()
        ],
        bases=(PythonOp,),
        frozen=True,
        namespace={
            "__doc__": about(function),
            "name": name,
            "function": staticmethod(function),
            "batched": batched,
            "output": output,
            "backend": backend,
            "seeded": _draws_globally(function),
            "value_range": output != "uint8",
            "registered_as": registered_as,
        },
    )
    return function


def _draws_globally(function: Any) -> bool:
    """Whether it was given to `seeded`."""
    while isinstance(function, functools.partial):
        function = function.func
    return isinstance(function, Seeded)


def _check_name(name: Any, replace: bool, registered_as: tuple[Any, ...]) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise RegistrationError(
            f"{name!r} cannot be spelled in a recipe; a name is 1 to {_LONGEST_NAME} lower-case "
            "letters from a to z, after the first one also digits and single underscores, for "
            "example 'sepia' or 'sepia2'"
        )
    if name in NAMED:
        raise RegistrationError(f"{name!r} is a preset; choose another name")
    if name not in OPS:
        return
    op = OPS[name]
    if not issubclass(op, PythonOp):
        raise RegistrationError(f"{name!r} is a built-in op; choose another name")
    if not replace and op.registered_as != registered_as:
        raise RegistrationError(
            f"{name!r} is registered already, as {called(op.function)}; choose another name, or "
            "say replace=True"
        )


def _check_alike(name: str, arguments: Collection[str]) -> None:
    """Raises a `RegistrationError` if recipes could mean two ops by one spelling."""
    main = {other: bool(main_field(op)) for other, op in OPS.items()} | {name: bool(arguments)}
    for short, long in itertools.permutations(main, 2):
        # Every op has a field, p, and those with a main one are followed by a number.
        follows = "[0-9_]" if main[short] else "_"
        if name in (short, long) and re.match(short + follows, long):
            raise RegistrationError(
                f"{name}: {long!r} reads like {short!r} with a number or a field; choose another "
                "name"
            )
