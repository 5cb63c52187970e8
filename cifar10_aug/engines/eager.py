"""The eager engine: NumPy turns draws into parameters, compiled loops turn those into pixels.

Functions of the user's run between the loops' passes, on arrays of plain levels.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cifar10_aug import draws
from cifar10_aug.draws import Draws
from cifar10_aug.engines.buffers import Buffers
from cifar10_aug.engines.plan import Leg, Pass, Placed, plan
from cifar10_aug.engines.python_ops import Group
from cifar10_aug.engines.strokes import Strokes
from cifar10_aug.engines.where import Where
from cifar10_aug.ops.kinds import AffineOp, PythonOp, ValueRangeOp

if TYPE_CHECKING:
    from cifar10_aug.recipe import Recipe

# What 16.16 coordinates can hold; maps that reach further show the border anyway.
_FARTHEST = float(2**15 - 1)
_LARGEST_SIDE = 4096


@dataclasses.dataclass(frozen=True)
class Source:
    """Packed images, one behind the other, that the kernels read.

    Attributes:
        pixels: uint32, flat, with `kernels.slack` spare elements at the end.
        count, height, width: of the images.
    """

    pixels: np.ndarray
    count: int
    height: int
    width: int

    @staticmethod
    def empty(count: int, height: int, width: int) -> Source:
        """Room for images that a pass or a reader is to write."""
        from cifar10_aug.engines import kernels

        size = count * height * width
        pixels = np.empty(size + kernels.slack(width), np.uint32)
        pixels[size:] = 0
        return Source(pixels, count, height, width)

    def write(self, first: int, images: np.ndarray) -> None:
        """Packs uint8 images [n, height, width, 3] into the places from `first` on."""
        from cifar10_aug.engines import kernels

        size = self.height * self.width
        part = self.pixels[first * size : (first + len(images)) * size]
        kernels.pack(np.ascontiguousarray(images).reshape(-1, 3), part)

    @staticmethod
    def of(images: np.ndarray) -> Source:
        """The source of uint8 images [n, height, width, 3]."""
        source = Source.empty(*images.shape[:3])
        source.write(0, images)
        return source


class Engine:
    """A recipe made ready to run on images of one size with one seed.

    Calls may run at the same time in several threads.
    """

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        height: int = 32,
        width: int = 32,
        where: Where | None = None,
    ):
        """Takes the size of images, and where functions of the user's run (by default, anywhere).

        Raises:
            RegistrationError: if a function of the user's cannot run there.
        """
        self.recipe = recipe
        self._seed = np.uint64(seed)
        self._height, self._width = height, width
        self._stages = list(self._staged(where or Where()))
        drawing = [Placed(i, op) for i, op in enumerate(recipe.ops) if op.slots]
        self._positions = np.array([step.position for step in drawing], np.int64)
        self._slots = np.array([step.op.slots for step in drawing], np.int64)
        self._every_epoch = np.array([step.op.every_epoch for step in drawing], bool)
        ends = np.cumsum(self._slots)
        self._rows = {
            step.position: slice(int(end - step.op.slots), int(end))
            for step, end in zip(drawing, ends, strict=True)
        }
        scale: tuple[float, ...] = (1.0,) * 3
        offset: tuple[float, ...] = (0.0,) * 3
        for op in recipe.ops:
            if isinstance(op, ValueRangeOp):
                scale, offset = op.scale_and_offset()
        self._scale = np.array(scale, np.float32)
        self._offset = np.array(offset, np.float32)
        self._buffers = Buffers()

    def __call__(
        self, source: Source, rows: np.ndarray, keys: np.ndarray, epoch: int
    ) -> np.ndarray:
        """Augments the examples in `rows` of a source.

        Args:
            source: images of this engine's size.
            rows: int64 [batch].
            keys: uint64 [batch], each example's key, as `draws.example_keys` makes them.
            epoch: 0 to 2**32 - 1.

        Returns:
            uint8 or float32 [batch, height, width, 3].

        Raises:
            PythonOpError: if a function of the user's fails.
        """
        from cifar10_aug.engines import kernels

        words = self._words(keys, epoch)
        shape = (len(rows), self._height, self._width, 3)
        made: np.ndarray | None = None
        for stage, following in zip(self._stages, [*self._stages[1:], None], strict=True):
            if isinstance(stage, Group):
                assert made is not None, "the first stage is a pass"
                images, made = made, self._buffers.empty(shape, stage.output)
                stage(images, made, keys, epoch)
                continue
            if made is not None:
                source, rows, made = Source.of(made), np.arange(len(rows)), None
            if isinstance(following, Pass):
                target = Source.empty(*shape[:3])
                packed = target.pixels[: int(np.prod(shape[:3]))]
                self._run(stage, source, rows, keys, epoch, words, kernels.PACKED, packed)
                source, rows = target, np.arange(len(rows))
            else:
                floats = following is None and self.recipe.dtype == "float32"
                made = self._buffers.empty(shape, np.float32 if floats else np.uint8)
                kind = kernels.FLOATS if floats else kernels.LEVELS
                self._run(stage, source, rows, keys, epoch, words, kind, made)
        assert made is not None, "there is at least one stage"
        return made

    def drawn(self, keys: np.ndarray, epoch: int) -> Iterator[tuple[Placed, dict[str, Any]]]:
        """What each op draws for some examples, by the names of its parameters."""
        words = self._words(keys, epoch)
        for stage in self._stages:
            if not isinstance(stage, Pass):
                continue
            steps = [step for leg in stage.legs for step in leg.steps]
            for step in (*steps, *stage.strokes):
                drawn = self._draws(step, words, epoch)
                if isinstance(step.op, AffineOp):
                    step.op.affine(drawn, self._height, self._width)
                else:
                    Strokes.of([(step, drawn)], len(keys), self._height, self._width)
                yield step, drawn.named

    def _staged(self, where: Where) -> Iterator[Pass | Group]:
        """What runs one after the other: passes, and groups of functions of the user's."""
        for stage in plan(self.recipe.ops):
            if isinstance(stage, Pass):
                yield stage
                continue
            for place, steps in itertools.groupby(stage.steps, lambda step: _place(where, step)):
                yield Group(self.recipe.name, list(steps), place, where, int(self._seed))

    def _words(self, keys: np.ndarray, epoch: int) -> np.ndarray:
        if not len(self._slots):
            return np.empty((0, len(keys)), np.uint32)
        from cifar10_aug.engines import kernels

        epochs = np.where(self._every_epoch, np.uint64(epoch), np.uint64(0))
        return kernels.draw_words(keys, epochs, self._seed, self._positions, self._slots)

    def _draws(self, step: Placed, words: np.ndarray, epoch: int) -> Draws:
        if not step.op.slots:
            return Draws(words[:0], epoch)
        first = self._rows[step.position].start + step.first_slot
        return Draws(words[first : first + step.op.slots], epoch)

    def _run(
        self,
        made: Pass,
        source: Source,
        rows: np.ndarray,
        keys: np.ndarray,
        epoch: int,
        words: np.ndarray,
        kind: int,
        out: np.ndarray,
    ) -> None:
        from cifar10_aug.engines import kernels

        batch = len(rows)
        # An output pixel meets the recipe's last op first.
        legs = made.legs[::-1]
        matrices = np.empty((batch, len(legs), 6), np.int32)
        for i, leg in enumerate(legs):
            matrices[:, i] = self._matrix(leg, words, epoch, batch)
        borders = np.array([kernels.BORDERS[leg.border.mode] for leg in legs], np.int64)
        levels = np.array([leg.border.level * 0x10101 for leg in legs], np.uint32)
        strokes = Strokes.of(
            [(step, self._draws(step, words, epoch)) for step in made.strokes],
            batch,
            self._height,
            self._width,
        )
        kernels.render(
            source.pixels,
            rows,
            self._height,
            self._width,
            matrices,
            borders,
            levels,
            made.lattice,
            *strokes,
            keys,
            np.uint64(epoch),
            self._seed,
            kind,
            self._scale,
            self._offset,
            out.reshape(batch, out.size // max(batch, 1)),
        )

    def _matrix(self, leg: Leg, words: np.ndarray, epoch: int, batch: int) -> np.ndarray:
        """The leg's one map, 16.16 fixed point, int32 [batch, 6]."""
        product = None
        for step in leg.steps:
            assert isinstance(step.op, AffineOp)
            drawn = self._draws(step, words, epoch)
            step_map = step.op.affine(drawn, self._height, self._width)
            product = step_map if product is None else step_map.after(product)
        assert product is not None
        matrix = np.empty((6, batch), np.float64)
        for entry, values in enumerate(product):
            matrix[entry] = values
        return _fixed_point(matrix, self._height, self._width)


def _place(where: Where, step: Placed) -> str:
    assert isinstance(step.op, PythonOp), step
    return where.place(step.op)


def _fixed_point(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """float64 [6, batch] as int32 [batch, 6]; maps that overflow 16.16 are drawn in."""
    for row in (0, 3):
        reach = np.abs(matrix[row]) * width + np.abs(matrix[row + 1]) * height
        reach += np.abs(matrix[row + 2])
        too_far = reach > _FARTHEST
        if too_far.any():
            matrix[row : row + 3, too_far] *= _FARTHEST / reach[too_far]
    return np.rint(matrix * 65536.0).astype(np.int32).T


def augment(
    recipe: Recipe, images: Any, *, ids: Any, seed: int, epoch: int, where: Where
) -> np.ndarray:
    """What `Recipe.__call__` does; see there."""
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[-1] != 3:
        raise ValueError(
            f"images are {images.dtype} of shape {list(images.shape)}; "
            "give uint8 of shape [batch, height, width, 3] or [height, width, 3]"
        )
    if images.ndim == 3:
        ids = None if ids is None else [ids]
        return augment(recipe, images[None], ids=ids, seed=seed, epoch=epoch, where=where)[0]
    count, height, width, _ = images.shape
    if not 1 <= height <= _LARGEST_SIDE or not 1 <= width <= _LARGEST_SIDE:
        raise ValueError(
            f"images are {height} by {width} pixels; 1 to {_LARGEST_SIDE} a side are allowed"
        )
    seed = checked("seed", seed, draws.SEED_LIMIT)
    epoch = checked("epoch", epoch, draws.EPOCH_LIMIT)
    keys = keys_of(np.arange(count) if ids is None else ids, count)
    engine = Engine(recipe, seed, height, width, where)
    return engine(Source.of(images), np.arange(count), keys, epoch)


def checked(what: str, value: Any, limit: int) -> int:
    """`value` as an int, if it is one from 0 to limit - 1.

    Raises:
        ValueError: if it is not.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{what} is {value!r}; give a whole number from 0 to {limit - 1}")
    if not 0 <= value < limit:
        raise ValueError(f"{what} is {value}; give a whole number from 0 to {limit - 1}")
    return int(value)


def keys_of(ids: Any, count: int) -> np.ndarray:
    """The keys of examples, uint64 [count], by their numbers or names; see `Recipe.__call__`."""
    ids = np.asarray(ids)
    if ids.shape != (count,):
        raise ValueError(
            f"ids have shape {list(ids.shape)}; give one for each of the {count} images"
        )
    if ids.dtype.kind in "SUO":
        return np.array([_key_of_name(name) for name in ids.tolist()], np.uint64).reshape(count)
    if ids.dtype.kind not in "iu":
        raise ValueError(f"ids are {ids.dtype}; give integers, or names such as train_00042")
    for value in (ids.min(initial=0), ids.max(initial=0)):
        checked("an id", value, draws.EXAMPLE_LIMIT)
    return draws.example_keys(ids)


def _key_of_name(name: Any) -> np.uint64:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    match = re.fullmatch(r"(train|test)_([0-9]{1,10})", text)
    if match is None or int(match[2]) >= draws.EXAMPLE_LIMIT:
        raise ValueError(f"an id is {text!r}; give integers, or names such as train_00042")
    return np.uint64(draws.example_keys(int(match[2]), match[1]))
