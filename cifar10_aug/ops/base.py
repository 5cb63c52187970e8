"""The kinds of op: what an op may ask an engine to do.

An op is a frozen dataclass. Its attributes are its fields in the grammar, the first one the main
field; its `slots` say how many random words an example draws for it; one method turns those words
into parameters. Engines read nothing else, so a new op is one class.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from cifar10_aug.ops.affine import Affine
from cifar10_aug.ops.fields import EVERY_OPS_P, option
from cifar10_aug.rng.draws import Draws

if TYPE_CHECKING:
    from cifar10_aug.data.spec import DatasetSpec


@dataclasses.dataclass(frozen=True)
class Op(abc.ABC):
    """One augmentation with its fields filled in.

    Attributes:
        name: how recipes spell it, lower-case letters only.
        slots: 32-bit random words that one example draws.
        every_epoch: whether it draws anew each epoch; else once for all.
        counts_epochs: whether the epoch's number decides what it does, and not only what it draws.
        exclusive: groups of fields that a recipe may not name all at once.
        value_range: whether it sets the range of numbers in which pixels are returned, as
            float32. Such an op applies to every split.
        p: how often it is done; else the example passes unchanged.
    """

    name: ClassVar[str]
    slots: ClassVar[int] = 0
    every_epoch: ClassVar[bool] = True
    counts_epochs: ClassVar[bool] = False
    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = ()
    value_range: ClassVar[bool] = False

    # For type checkers, which do not look into `option`.
    _: dataclasses.KW_ONLY
    p: float = option(EVERY_OPS_P, kw_only=True)

    @property
    def coin(self) -> float:
        """The probability that engines toss for; 1 where the op's own words decide about p."""
        return 1.0 if self._has_own_p else self.p

    @property
    def _has_own_p(self) -> bool:
        return type(self).__dataclass_fields__["p"].metadata["field"] is not EVERY_OPS_P

    @classmethod
    def about(cls) -> str:
        """What it does, in one line."""
        return (cls.__doc__ or "").strip().splitlines()[0]


class Border(NamedTuple):
    """What an affine op shows where its map leaves the image.

    Attributes:
        mode: "nearest" (aaa|abcd|ddd), "constant" (kkk|abcd|kkk), "reflect" (cba|abcd|dcb: the
            edge is repeated) or "mirror" (dcb|abcd|cba: it is not).
        level: the value k of "constant", 0 to 255, or "mean", the dataset's mean colour.
        reach: how far beyond the outermost pixels' centres the image goes before "constant" shows,
            in pixels: 0 in Keras (SciPy), 0.5 in Pillow and torchvision.
    """

    mode: str
    level: int | str = 0
    reach: float = 0.0

    def colour(self, dataset: DatasetSpec) -> tuple[int, int, int]:
        """The red, green and blue levels of "constant"."""
        return dataset.mean_levels if isinstance(self.level, str) else (self.level,) * 3


class GeometricOp(Op):
    """An op that says from where in its input each output pixel is read.

    Neighbours are followed one after the other, so they cost one resampling, however many; and what
    one has pushed out of the image, the next does not bring back.
    """

    @property
    @abc.abstractmethod
    def border(self) -> Border | None:
        """What lies outside the image; None where the op takes the image onto itself."""


class AffineOp(GeometricOp):
    """An op that moves pixels by an affine map.

    Attributes:
        pixel_aligned: whether the map takes pixel centres to pixel centres, so that nothing is
            interpolated.
    """

    pixel_aligned: ClassVar[bool] = False

    @abc.abstractmethod
    def affine(self, draws: Draws, height: int, width: int) -> Affine:
        """The map from output to input pixel coordinates, one an example."""


class Perspective(NamedTuple):
    """source_x = (xx x + xy y + x0) / d, source_y = (yx x + yy y + y0) / d, d = dx x + dy y + 1.

    Each entry is a number or a float64 array of shape [batch].
    """

    xx: Any
    xy: Any
    x0: Any
    yx: Any
    yy: Any
    y0: Any
    dx: Any
    dy: Any


# The map that leaves the image as it is.
UNMOVED = Perspective(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)


class PerspectiveOp(GeometricOp):
    """An op that looks at the image from another place."""

    @abc.abstractmethod
    def perspective(self, draws: Draws, height: int, width: int) -> Perspective:
        """The map from output to input pixel coordinates, one an example."""


class Displacement(NamedTuple):
    """Smooth random displacements: uniform noise from -1 to 1, blurred, times `alpha`.

    Attributes:
        alpha: in pixels; a number or array [batch].
        sigma: the blur's deviation in pixels; a number or array [batch].
        widest: the greatest sigma that can be drawn.
    """

    alpha: Any
    sigma: Any
    widest: float


class ElasticOp(GeometricOp):
    """An op that displaces each pixel by another random amount, similar to its neighbours'."""

    @abc.abstractmethod
    def displacement(self, draws: Draws) -> Displacement:
        """How far, and how smoothly."""


class Boxes(NamedTuple):
    """One rectangle an example: int64 arrays of shape [batch]; `bottom` and `right` excluded."""

    top: Any
    left: Any
    bottom: Any
    right: Any

    def named(self, draws: Draws, number: int = 0) -> Boxes:
        """The same, named in the draws' log; from the second of several on, with a number."""
        for name, values in self._asdict().items():
            draws.name(f"{name}{number + 1 if number else ''}", values)
        return self


class Noise(NamedTuple):
    """A fill of independent uniform levels for each pixel and channel."""


class PixelwiseOp(Op):
    """An op that paints on an image, or recolours it, where its pixels stay."""

    def applied(self, draws: Draws) -> Any:
        """Whether it does anything to an example: bool array of shape [batch], or one for all.

        An op that declares p itself tosses for it with its first word.
        """
        return draws.name("applied", draws.chance(0, self.p)) if self._has_own_p else True


class BoxOp(PixelwiseOp):
    """An op that paints over a rectangle."""

    def applied(self, draws: Draws) -> Any:
        """True: where it does nothing, the rectangle is empty."""
        return True

    @abc.abstractmethod
    def boxes(self, draws: Draws, height: int, width: int) -> Boxes:
        """Where to paint; an empty rectangle leaves the example as it is."""

    @abc.abstractmethod
    def fill_levels(self, draws: Draws, dataset: DatasetSpec) -> tuple[Any, Any, Any] | Noise:
        """The red, green and blue levels, 0 to 255: numbers or arrays of shape [batch]."""


class LookupTableOp(PixelwiseOp):
    """An op that makes another level of each level, whatever the rest of the image."""

    @abc.abstractmethod
    def table(self, draws: Draws, levels: Any) -> Any:
        """What becomes of `levels`.

        Args:
            draws: of the batch.
            levels: float64 [256, 1], 0 to 255.

        Returns:
            float64 [256, batch] or [256, 1]; what lies outside 0 to 255 is cut off, fractions too.
        """


class NumberedTableOp(LookupTableOp):
    """A table that a few numbers say, by which the eager engine makes levels without it.

    Attributes:
        process: "module.function", as an `ImageOp` has it, of the eager engine alone.
    """

    process: ClassVar[str]

    @abc.abstractmethod
    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        """What the process needs to know: each a number, or an array [batch]."""


class ImageOp(PixelwiseOp):
    """An op that recolours an image by its own levels or neighbours, or by noise.

    Attributes:
        process: "module.function", by which each engine finds its own; see `engines.processes`.
    """

    process: ClassVar[str]

    @abc.abstractmethod
    def numbers(self, draws: Draws) -> tuple[Any, ...]:
        """What the process needs to know: each a number, or an array [batch]."""


class ValueRangeOp(Op):
    """An op that says in what range of numbers pixels are returned, as float32.

    It takes effect at the end of a recipe, whatever its position, so that every other op works on
    8-bit levels, and it applies to every split.
    """

    value_range: ClassVar[bool] = True

    @abc.abstractmethod
    def scale_and_offset(self, dataset: DatasetSpec) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """For each channel: output = level * scale + offset."""


class LabelOp(Op):
    """An op that changes labels alone; they become shares of classes, float32, on every split."""

    @abc.abstractmethod
    def kept(self) -> float:
        """What a label keeps of itself, 0 to 1; all classes share the rest evenly."""
