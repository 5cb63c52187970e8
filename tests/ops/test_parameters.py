"""What ops draw: over their whole range, both ends reachable, with the stated distribution."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cifar10_aug.data.spec import CIFAR10
from cifar10_aug.engines.numba.kernels.philox import draw_words
from cifar10_aug.ops import OPS, ValueRangeOp
from cifar10_aug.ops.affine import Affine
from cifar10_aug.ops.base import Boxes, LabelOp
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng import draws
from cifar10_aug.rng.draws import Draws

Measure = Callable[[Any, Draws], np.ndarray]


def affine(op: Any, drawn: Draws) -> Affine:
    return op.affine(drawn, 32, 32)


@pytest.mark.parametrize("name", OPS)
def test_ops_that_look_at_the_number_of_the_epoch_say_so(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def look(_: Draws) -> int:
        looked.append(0)
        return 0

    monkeypatch.setattr(Draws, "epoch", property(look, lambda *_: None), raising=False)
    Recipe.parse(name).parameters(range(9))
    assert bool(looked) == OPS[name].counts_epochs


def square(op: Any, drawn: Draws) -> Boxes:
    """Cutout's first."""
    return op.parts[0].boxes(drawn, 32, 32)


def angle(op: Any, drawn: Draws) -> np.ndarray:
    made = affine(op, drawn)
    return np.degrees(np.arctan2(made.yx, made.xx))


def amount(op: Any, drawn: Draws) -> np.ndarray:
    return np.asarray(op.numbers(drawn)[0])


def applied(op: Any, drawn: Draws) -> np.ndarray:
    return np.asarray(op.applied(drawn))


def threshold(op: Any, drawn: Draws) -> np.ndarray:
    return drawn.uniform(1, *op.threshold)


def order_of_channels(op: Any, drawn: Draws) -> np.ndarray:
    """Which of the six orders."""
    shown = np.stack([np.asarray(channel, int) for channel in op.numbers(drawn)], axis=1)
    orders = np.array(list(itertools.permutations(range(3))))
    return np.argmax((shown[:, None] == orders).all(axis=-1), axis=1)


# recipe, what is measured, its least and greatest value
UNIFORM: list[tuple[str, Measure, float, float]] = [
    ("rotate", angle, -30, 30),
    ("rotate10-50", angle, 10, 50),
    ("shift", lambda op, d: affine(op, d).x0 / 32, -0.3, 0.3),
    ("shift", lambda op, d: affine(op, d).y0 / 32, -0.3, 0.3),
    ("shift_width0.1", lambda op, d: affine(op, d).x0 / 32, -0.1, 0.1),
    ("shift_height0.1-0.2", lambda op, d: affine(op, d).y0 / 32, 0.1, 0.2),
    ("shear", lambda op, d: np.degrees(np.arcsin(-affine(op, d).xy)), -30, 30),
    ("shearx", lambda op, d: affine(op, d).xy, -0.3, 0.3),
    ("sheary0.1-0.2", lambda op, d: affine(op, d).yx, 0.1, 0.2),
    ("zoom", lambda op, d: affine(op, d).xx, 0.5, 1.5),
    ("zoom", lambda op, d: affine(op, d).yy, 0.5, 1.5),
    ("zoom_isotropic0.5-1.5", lambda op, d: affine(op, d).yy, 0.5, 1.5),
    ("brightness", lambda op, d: op.table(d, np.array([[1.0]])).ravel(), 0.6, 1.4),
    ("brightness0.2-3", lambda op, d: op.table(d, np.array([[1.0]])).ravel(), 0.2, 3),
    ("gamma", lambda op, d: (op.table(d, np.array([[1.0]])), d.named["gamma"])[1], 0.8, 1.2),
    ("contrast", amount, 0.6, 1.4),
    ("saturation0.9", amount, 0.1, 1.9),
    ("hue", amount, -0.1, 0.1),
    ("channelshift", amount, -20, 20),
    *(("rgbshift", lambda op, d, c=c: op.numbers(d)[c], -20, 20) for c in range(3)),
    ("solarizeadd", lambda op, d: op.table(d, np.array([[0.0]])).ravel(), 0, 110),
    ("saltpepper", amount, 0.01, 0.06),
    ("sharpness", amount, 0.1, 1.9),
    ("blur", amount, 0.1, 2),
    ("noise5-6", amount, 5, 6),
    ("colorjitter", lambda op, d: amount(op.parts[1], Draws(d._words[1:2])), 0.6, 1.4),
    ("colorjitter_hue0.3", lambda op, d: amount(op.parts[3], Draws(d._words[3:])), -0.3, 0.3),
    ("solarize_threshold0-256", threshold, 0, 256),
]
# recipe, what is measured, the least and greatest of equally likely whole numbers
DISCRETE: list[tuple[str, Measure, int, int]] = [
    ("crop4", lambda op, d: affine(op, d).x0, -4, 4),
    ("crop4", lambda op, d: affine(op, d).y0, -4, 4),
    ("translatex0.25-0.5", lambda op, d: np.minimum(affine(op, d).x0, 15), 8, 15),
    ("translatey0.25-0.5", lambda op, d: np.minimum(affine(op, d).y0, 15), 8, 15),
    ("scalecrop", lambda op, d: np.rint(32 / affine(op, d).xx), 38, 60),
    ("flip", lambda op, d: affine(op, d).xx < 0, 0, 1),
    ("flipud", lambda op, d: affine(op, d).yy < 0, 0, 1),
    ("erase", lambda op, d: op.boxes(d, 32, 32).top < op.boxes(d, 32, 32).bottom, 0, 1),
    ("erase", lambda op, d: op.fill_levels(d, CIFAR10)[0], 0, 255),
    ("altflip", lambda op, d: affine(op, d).xx < 0, 0, 1),
    ("cutout_p0.5", lambda op, d: square(op, d).top < square(op, d).bottom, 0, 1),
    ("cutout1", lambda op, d: square(op, d).top, 0, 31),
    ("cutout1", lambda op, d: square(op, d).left, 0, 31),
    (
        "posterize1-8",
        lambda op, d: 8 - np.log2(256 - op.table(d, np.array([[255.0]])).ravel()),
        1,
        8,
    ),
    ("rot90", lambda op, d: (affine(op, d), d.named["quarterturns"])[1], 0, 3),
    ("rot180", lambda op, d: (affine(op, d), d.named["quarterturns"])[1] // 2, 0, 1),
    ("jpeg", amount, 50, 100),
    ("channelshuffle", order_of_channels, 0, 5),
    ("gray_p0.5", applied, 0, 1),
    ("invert", applied, 0, 1),
    ("autocontrast", applied, 0, 1),
    ("equalize", applied, 0, 1),
]


def drawn_for(op: Any, count: int) -> Draws:
    words = np.empty((op.slots, count), np.uint32)
    draw_words(
        draws.example_keys(np.arange(count)),
        np.zeros(1, np.uint64),
        np.uint64(0),
        np.array([0], np.uint64),
        np.array([op.slots]),
        words,
    )
    return Draws(words)


def extreme_draws(op: Any) -> list[Draws]:
    """All words least, all greatest."""
    return [Draws(np.full((op.slots, 1), word, np.uint32)) for word in (0, 2**32 - 1)]


@pytest.mark.parametrize(("text", "measure", "low", "high"), UNIFORM)
def test_fifty_thousand_draws_are_uniform(
    text: str, measure: Measure, low: float, high: float
) -> None:
    op = Recipe.parse(text).ops[0]
    values = measure(op, drawn_for(op, 50_000))
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.001


@pytest.mark.parametrize(("text", "measure", "low", "high"), UNIFORM)
def test_both_ends_are_reached_exactly(
    text: str, measure: Measure, low: float, high: float
) -> None:
    op = Recipe.parse(text).ops[0]
    ends = [float(np.ravel(measure(op, drawn))[0]) for drawn in extreme_draws(op)]
    np.testing.assert_allclose(ends, [low, high], atol=1e-12)


@pytest.mark.parametrize(("text", "measure", "low", "high"), DISCRETE)
def test_fifty_thousand_whole_numbers_are_equally_likely(
    text: str, measure: Measure, low: int, high: int
) -> None:
    op = Recipe.parse(text).ops[0]
    values = measure(op, drawn_for(op, 50_000)).astype(int)
    assert (values.min(), values.max()) == (low, high)
    counts = np.bincount(values - low, minlength=high - low + 1)
    assert stats.chisquare(counts).pvalue > 0.001


def test_the_axes_of_an_op_are_independent() -> None:
    for text in ("shift", "zoom", "crop4"):
        op = Recipe.parse(text).ops[0]
        made = affine(op, drawn_for(op, 50_000))
        one, two = (made.xx, made.yy) if text == "zoom" else (made.x0, made.y0)
        assert abs(np.corrcoef(one, two)[0, 1]) < 0.02


def test_scalecrop_reaches_both_ends_of_every_size() -> None:
    op = Recipe.parse("scalecrop40").ops[0]
    made = affine(op, drawn_for(op, 50_000))
    offsets = np.rint((made.x0 + 0.5) / made.xx - 0.5)
    assert (offsets.min(), offsets.max()) == (0, 8)


@pytest.mark.parametrize("name", OPS)
def test_every_op_draws_with_all_its_words_or_says_it_needs_none(name: str) -> None:
    op = OPS[name]()
    here = {text.rstrip("0123456789-.").split("_")[0] for text, *_ in UNIFORM + DISCRETE}
    if not op.slots:
        assert isinstance(op, (ValueRangeOp, LabelOp)) or not op.every_epoch
        assert name not in here
    elif name not in here:
        # Those whose draws take more to test have separate tests.
        others = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
        assert re.search(f'[."]({name}|{name.removeprefix("corrupt")})[."0-9]', "".join(others))
