"""Calls registered functions on a few examples, in whatever process or thread."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_aug.engines.stages import PlannedOp
from cifar10_aug.ops.python_op import PythonOp
from cifar10_aug.rng.draws import SPLIT_NUMBERS, VIEW_SHIFT
from cifar10_aug.rng.names import example_id

_SPLITS = {number: split for split, number in SPLIT_NUMBERS.items()}


@dataclasses.dataclass(frozen=True)
class Call:
    """A registered function and how to call it; what travels to worker processes."""

    name: str
    position: int
    function: Callable[..., Any]
    arguments: dict[str, Any]
    batched: bool
    output: str

    @staticmethod
    def of(step: PlannedOp) -> Call:
        op = step.op
        assert isinstance(op, PythonOp), op
        return Call(op.name, step.position, op.function, op.arguments, op.batched, op.output)


@dataclasses.dataclass(frozen=True)
class Failure:
    """What went wrong: one line, and the function's own traceback."""

    headline: str
    details: str = ""
    cause: BaseException | None = None

    @staticmethod
    def of(call: Call, keys: np.ndarray, error: BaseException) -> Failure:
        """The failure of a call on the examples with some keys."""
        whom = examples(keys)
        if isinstance(error, WrongResultError):
            return Failure(f"op {call.name} on {whom} {error}", cause=error)
        said = (str(error).splitlines() or [""])[0]
        what = f"{type(error).__name__}: {said}" if said else type(error).__name__
        # The frames below this package's own.
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        where = ""
        if frames is not None:
            deepest = traceback.extract_tb(frames)[-1]
            where = f" ({Path(deepest.filename).name}, line {deepest.lineno})"
        details = "".join(traceback.format_exception(type(error), error, frames))
        return Failure(f"op {call.name} fails on {whom}: {what}{where}", details, error)


class WrongResultError(TypeError):
    """A function returned something else than what it is registered for."""


def run(
    calls: Sequence[Call],
    seed: int,
    images: np.ndarray,
    out: np.ndarray,
    keys: np.ndarray,
    epoch: int,
) -> Failure | None:
    """Makes the calls one after the other; the first failure ends it.

    Args:
        calls: at least one.
        seed: of the draws.
        images: uint8 [n, height, width, 3].
        out: where the last call's results go, [n, height, width, 3].
        keys: uint64 [n].
        epoch: 0 to 2**32 - 1.
    """
    for call in calls:
        target = out if call is calls[-1] else np.empty(images.shape, np.uint8)
        do = _whole if call.batched else _each
        failure = do(call, seed, images, target, keys, epoch)
        if failure is not None:
            return failure
        images = target
    return None


def _each(
    call: Call, seed: int, images: np.ndarray, out: np.ndarray, keys: np.ndarray, epoch: int
) -> Failure | None:
    with _generators(seed, epoch, call.position, keys[:1]) as generators:
        for i in range(len(keys)):
            try:
                rng = _set(generators[0], seed, epoch, call.position, keys[i])
                # A copy, which the function may change and keep.
                made = call.function(images[i].copy(), rng, **call.arguments)
                out[i] = _checked(made, call, out[i].shape)
            except KeyboardInterrupt:  # noqa: PERF203
                raise
            except BaseException as error:  # Even SystemExit must not end a worker.
                return Failure.of(call, keys[i : i + 1], error)
    return None


def _whole(
    call: Call, seed: int, images: np.ndarray, out: np.ndarray, keys: np.ndarray, epoch: int
) -> Failure | None:
    try:
        with _generators(seed, epoch, call.position, keys) as generators:
            made = call.function(images.copy(), generators, **call.arguments)
        out[:] = _checked(made, call, out.shape)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if len(keys) == 1:
            return Failure.of(call, keys, error)
        # Which example is it that fails?
        for i in range(len(keys)):
            one = slice(i, i + 1)
            failure = _whole(call, seed, images[one], out[one], keys[one], epoch)
            if failure is not None:
                return failure
        return Failure.of(call, keys, error)
    return None


def _checked(made: Any, call: Call, shape: tuple[int, ...]) -> np.ndarray:
    made = np.asarray(made)
    if made.shape != shape or made.dtype != call.output:
        advice = ""
        if made.shape == shape and made.dtype.kind == "f" and call.output == "uint8":
            advice = "; round and convert it, or register the function with output='float32'"
        raise WrongResultError(
            f"returned {made.dtype} of shape {list(made.shape)}, and must return {call.output} of "
            f"shape {list(shape)}{advice}"
        )
    return made


# Making a generator takes several times as long as giving it another example's state.
_spare: collections.deque[np.random.Generator] = collections.deque(maxlen=2048)
_EMPTY = np.zeros(4, np.uint64)


@contextlib.contextmanager
def _generators(
    seed: int, epoch: int, position: int, keys: np.ndarray
) -> Iterator[list[np.random.Generator]]:
    """The examples' own generators, until this is left."""
    taken = []
    for key in keys:
        try:
            generator = _spare.pop()
        except IndexError:
            generator = np.random.Generator(np.random.Philox(key=0))
        taken.append(_set(generator, seed, epoch, position, key))
    yield taken
    _spare.extend(taken)


def _set(
    generator: np.random.Generator, seed: int, epoch: int, position: int, key: Any
) -> np.random.Generator:
    """Makes a generator an example's own: NumPy's Philox4x64-10, keyed as all draws are.

    The key is (seed, example key), the counter begins at (0, 0, epoch, position).
    """
    generator.bit_generator.state = {
        "bit_generator": "Philox",
        "state": {
            "counter": np.array([0, 0, epoch, position], np.uint64),
            "key": np.array([seed, key], np.uint64),
        },
        "buffer": _EMPTY,
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }
    return generator


def examples(keys: np.ndarray) -> str:
    """Examples by the ids of the first and the last."""
    if len(keys) == 1:
        return f"example {_example(keys[0])}"
    return f"examples {_example(keys[0])} to {_example(keys[-1])}"


def _example(key: Any) -> str:
    key = int(key)
    view = key >> VIEW_SHIFT
    one = example_id(_SPLITS[key >> 32 & 0xFF], key & 0xFFFFFFFF)
    return f"{one} (view {view})" if view else one
