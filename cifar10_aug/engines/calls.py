"""Calls registered functions on a few examples, in whatever process or thread."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_aug.draws import SPLIT_NUMBERS
from cifar10_aug.engines.plan import Placed
from cifar10_aug.ops.kinds import PythonOp
from cifar10_aug.source.images import example_id

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
    def of(step: Placed) -> Call:
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
        whom = f"example {_example(keys[0])}"
        if len(keys) > 1:
            whom = f"examples {_example(keys[0])} to {_example(keys[-1])}"
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
    generator = _Generator(seed, epoch, call.position)
    for i in range(len(keys)):
        try:
            # A copy, which the function may change and keep.
            made = call.function(images[i].copy(), generator.at(keys[i]), **call.arguments)
            out[i] = _checked(made, call, out[i].shape)
        except KeyboardInterrupt:  # noqa: PERF203
            raise
        except BaseException as error:  # Even SystemExit must not end a worker.
            return Failure.of(call, keys[i : i + 1], error)
    return None


def _whole(
    call: Call, seed: int, images: np.ndarray, out: np.ndarray, keys: np.ndarray, epoch: int
) -> Failure | None:
    generators = [_Generator(seed, epoch, call.position).at(key) for key in keys]
    try:
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


class _Generator:
    """An example's own generator: NumPy's Philox4x64-10, keyed as all draws are.

    The key is (seed, example key), the counter begins at (0, 0, epoch, position). Setting it to
    another example costs a quarter of making one.
    """

    def __init__(self, seed: int, epoch: int, position: int):
        self._seed = seed
        self._bits = np.random.Philox(key=0)
        self._generator = np.random.Generator(self._bits)
        state = self._bits.state
        state["state"]["counter"] = np.array([0, 0, epoch, position], np.uint64)
        self._state = state

    def at(self, key: Any) -> np.random.Generator:
        self._state["state"]["key"] = np.array([self._seed, key], np.uint64)
        self._bits.state = self._state
        return self._generator


def _example(key: Any) -> str:
    return example_id(_SPLITS[int(key) >> 32], int(key) & 0xFFFFFFFF)
