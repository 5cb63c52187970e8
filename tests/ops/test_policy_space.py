"""What policies choose, word for word, said again with Python's own arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from cifar10_aug.ops.axes import PillowRotate, TranslateXRel, TranslateYRel
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.rng.draws import Draws
from tests.ops.test_formulas import TOP, chance, integer, uniform

Words = Sequence[int]
# What is chosen, and its number.
Chosen = tuple[str, float]

MOVES = ("shearx", "sheary", "translatex", "translatey", "rotate")
COLOURS = ("brightness", "color", "contrast", "sharpness")
SEARCHED = (*MOVES, *COLOURS, "posterize", "solarize", "autocontrast", "equalize")
# How far each goes at full strength.
TORCHVISION = {
    **{"shearx": 0.3, "sheary": 0.3, "translatex": 150 / 331, "translatey": 150 / 331},
    **{"rotate": 30, **dict.fromkeys(COLOURS, 0.9), "posterize": 4, "solarize": 255},
}
AUTHORS = TORCHVISION | {"translatex": 10 / 32, "translatey": 10 / 32}
WIDE = {
    **{"shearx": 0.99, "sheary": 0.99, "translatex": 1, "translatey": 1, "rotate": 135},
    **{**dict.fromkeys(COLOURS, 0.99), "posterize": 6, "solarize": 255},
}
AUGMIX = {
    **{"autocontrast": 0, "equalize": 0, "posterize": 4, "rotate": 30, "solarize": 256},
    **{"shearx": 0.3, "sheary": 0.3, "translatex": 1 / 3, "translatey": 1 / 3},
}
# How far each goes at a magnitude of 10.
TIMM = {
    **{"autocontrast": 0, "equalize": 0, "invert": 0, "rotate": 30},
    **{"posterize": 4, "solarize": 256, "solarizeadd": 110},
    **dict.fromkeys(("color", "contrast", "brightness", "sharpness"), 0.9),
    **{"shearx": 0.3, "sheary": 0.3, "translatexrel": 0.45, "translateyrel": 0.45},
}
# Three of the 25: with signs, without numbers, with roundings.
SUBPOLICIES = {
    1: (("rotate", 0.7, 2), ("translatex", 0.3, 9)),
    4: (("autocontrast", 0.5, 0), ("equalize", 0.9, 0)),
    5: (("sheary", 0.2, 7), ("posterize", 0.3, 7)),
    14: (("solarize", 0.5, 2), ("invert", 0.0, 0)),
    24: (("translatey", 0.7, 9), ("autocontrast", 0.9, 0)),
}


def numbered(name: str, full: Mapping[str, float], strength: float, negative: bool) -> float:
    far = full.get(name, 0) * strength
    if name in MOVES:
        return -far if negative else far
    if name in COLOURS:
        return 1 - far if negative else 1 + far
    if name == "posterize":
        return 8 - round(far)
    return 255 - far if name == "solarize" else math.nan


def words_of(slots: int) -> np.ndarray:
    drawn = np.random.default_rng(5).integers(0, 2**32, (slots, 398), dtype=np.uint64)
    ends = np.array([[0, TOP]] * slots, np.uint64)
    return np.concatenate([drawn, ends], axis=1).astype(np.uint32)


def assert_chosen(
    part: Any, slots: int, log: list[str], expected: Callable[[Words], Chosen | None]
) -> None:
    words = words_of(slots)
    draws = Draws(words)
    index, value = part.choose(draws)
    assert list(draws.named) == log
    names, values = (draws.named[name] for name in log[-2:])
    places = [one.name for one in part.options]
    compared = 0
    for i in range(words.shape[1]):
        wanted = expected([int(word) for word in words[:, i]])
        if wanted is None:
            continue
        compared += 1
        name, number = wanted
        assert names[i] == name
        assert index[i] == (-1 if name == "identity" else places.index(name))
        assert values[i] == pytest.approx(number, abs=1e-12, nan_ok=True)
        assert value[i] == pytest.approx(0 if math.isnan(number) else number, abs=1e-12)
    assert compared > 50


def test_randaugments_choices_are_as_said() -> None:
    parts = Recipe.parse("randaugment_n3_m17").ops[0].parts  # type: ignore[attr-defined]
    assert len(parts) == 3

    def expected(words: Words) -> Chosen:
        name = (*SEARCHED, "identity")[integer(0, 13, words[0])]
        return name, numbered(name, TORCHVISION, 17 / 30, chance(0.5, words[1]))

    for number, part in enumerate(parts, start=1):
        assert_chosen(part, 2, [f"op{number}", f"value{number}"], expected)


def test_timmaugments_choices_are_as_said() -> None:
    parts = Recipe.parse("timmaugment3_m6_std2_prob0.7").ops[0].parts  # type: ignore[attr-defined]
    assert len(parts) == 3

    def expected(words: Words) -> Chosen:
        name = list(TIMM)[integer(0, 14, words[0])]
        if not chance(0.7, words[1]):
            return "identity", math.nan
        radius = math.sqrt(-2 * math.log(max(words[3] / TOP, 2.0**-33)))
        drawn = 6 + 2 * radius * math.cos(2 * math.pi * words[4] / TOP)
        far = TIMM[name] * min(max(drawn, 0), 10) / 10
        if name in ("posterize", "solarize"):
            return name, TIMM[name] - int(far)
        if name == "solarizeadd":
            return name, int(far)
        if name in COLOURS:
            return name, 1 + (-far if chance(0.5, words[2]) else far)
        moves = name in ("rotate", "shearx", "sheary", "translatexrel", "translateyrel")
        return name, (-far if chance(0.5, words[2]) else far) if moves else math.nan

    for number, part in enumerate(parts, start=1):
        log = [f"magnitude{number}", f"op{number}", f"value{number}"]
        assert_chosen(part, 5, log, expected)


def test_trivialaugments_choices_are_as_said() -> None:
    def expected(words: Words) -> Chosen:
        name = (*SEARCHED, "identity")[integer(0, 13, words[0])]
        strength = integer(0, 30, words[1]) / 30
        return name, numbered(name, WIDE, strength, chance(0.5, words[2]))

    assert_chosen(Recipe.parse("trivialaugment").ops[0], 3, ["op", "value"], expected)


@pytest.mark.parametrize("number", [1, 2])
def test_autoaugments_choices_are_as_said(number: int) -> None:
    part = Recipe.parse("autoaugment").ops[0].parts[number - 1]  # type: ignore[attr-defined]

    def expected(words: Words) -> Chosen | None:
        subpolicy = SUBPOLICIES.get(integer(0, 24, words[0]))
        if subpolicy is None:
            return None
        name, p, level = subpolicy[number - 1]
        if not chance(p, words[2 * number - 1]):
            return "identity", math.nan
        return name, numbered(name, AUTHORS, level / 9, chance(0.5, words[2 * number]))

    first = ["subpolicy"] if number == 1 else []
    assert_chosen(part, 5, [*first, f"op{number}", f"value{number}"], expected)


def test_augmixs_chains_are_as_said() -> None:
    op: Any = Recipe.parse("augmix7_width2_depth2-4").ops[0]
    assert op.slots == 2 * (1 + 3 * 4) + 2 + 1
    assert [len(chain.parts) for chain in op.branches] == [4, 4]
    for chain in (1, 2):
        for step in (1, 2, 3, 4):
            base = 13 * (chain - 1)
            slot = base + 1 + 3 * (step - 1)

            def expected(words: Words, base: int = base, slot: int = slot, step: int = step) -> Any:
                if integer(2, 4, words[base]) < step:
                    return "identity", math.nan
                name = list(AUGMIX)[integer(0, 8, words[slot])]
                far = AUGMIX[name] * uniform(0.1, 7, words[slot + 1]) / 10
                if name in ("posterize", "solarize"):
                    return name, AUGMIX[name] - int(far)
                far = int(far) if name == "rotate" else far
                sign = -1 if chance(0.5, words[slot + 2]) else 1
                return name, sign * far if name in MOVES else math.nan

            log = [f"chain{chain}op{step}", f"chain{chain}value{step}"]
            assert_chosen(op.branches[chain - 1].parts[step - 1], op.slots, log, expected)


def test_augmixs_weights_are_as_said() -> None:
    op: Any = Recipe.parse("augmix7_width2_depth2-4").ops[0]
    words = words_of(op.slots)
    draws = Draws(words)
    found = np.stack(op.weights(draws))
    assert list(draws.named) == ["share", "weight1", "weight2"]
    for i in range(words.shape[1]):
        one, two, share = (int(word) / TOP for word in words[26:, i])
        lengths = [-math.log(max(unit, 2.0**-33)) for unit in (one, two)]
        total = max(sum(lengths), 2.0**-60)
        expected = [share * length / total for length in lengths]
        assert found[:, i].tolist() == pytest.approx([1 - share, *expected], abs=1e-12)
        logged = [float(draws.named[name][i]) for name in draws.named]
        assert logged == pytest.approx([share, *expected], abs=1e-12)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("randaugment_cval7", SEARCHED),
        ("trivialaugment_cval7", SEARCHED),
        ("autoaugment_cval7", (*SEARCHED, "invert")),
        ("augmix_cval7", tuple(AUGMIX)),
        ("timmaugment_cval7", tuple(TIMM)),
    ],
)
def test_options_are_separate_ops(text: str, names: tuple[str, ...]) -> None:
    part: Any = Recipe.parse(text).ops[0]
    while not hasattr(part, "options"):
        part = (part.branches if hasattr(part, "branches") else part.parts)[0]
    assert tuple(one.name for one in part.options) == names
    for one, op in zip(part.options, part.choices, strict=True):
        spelled = {"color": "saturation"}.get(one.name, one.name).removesuffix("rel")
        border = "_fillmodeconstant_cval7" if spelled in MOVES else ""
        alone = Recipe.parse(f"{spelled}{border}").ops[0]
        # A turn whose border is Pillow's is no op by itself, nor a move by fractions of pixels.
        assert vars(op) == vars(alone)
        parts = PillowRotate, TranslateXRel, TranslateYRel
        assert type(op) is type(alone) or isinstance(op, parts)


CONSTANTS: dict[str, list[tuple[float, ...]]] = {
    "gaussiannoise": [(10.2,), (15.3,), (20.4,), (22.95,), (25.5,)],
    "shotnoise": [(500,), (250,), (100,), (75,), (50,)],
    "fog": [(0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)],
    "frost": [(1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)],
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_severities_have_the_published_constants(name: str) -> None:
    draws = Draws(np.empty((0, 1), np.uint32))
    for severity, constants in enumerate(CONSTANTS[name], start=1):
        op: Any = Recipe.parse(f"corrupt{name}{severity}").ops[0]
        assert op.numbers(draws) == pytest.approx(constants)
