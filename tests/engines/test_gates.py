"""How often an op is done, and which of several: coins and choices are separate draws."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import OPS
from cifar10_aug.ops.base import Op
from cifar10_aug.ops.python_op import PythonOp
from cifar10_aug.recipes.recipe import Recipe
from tests import functions
from tests.registering import registered

IMAGES = np.random.default_rng(8).integers(0, 256, (60, 16, 20, 3), np.uint8)
LABELS = np.arange(60) % 10
MANY = np.arange(20_000)
# Ops whose p engines toss for; the others' own words decide.
TOSSED = [
    name
    for name, op in OPS.items()
    if not op.value_range and op.__dataclass_fields__["p"] is Op.__dataclass_fields__["p"]
]


def made_of(text: str) -> tuple[np.ndarray, Any]:
    """Images and labels that a recipe makes."""
    made, labels = Recipe.parse(text)(IMAGES, LABELS, seed=6, epoch=3)
    return made, labels


@pytest.mark.parametrize("name", TOSSED)
def test_each_example_has_the_op_or_passes_unchanged(name: str) -> None:
    applied = Recipe.parse(f"{name}_p0.5").parameters(np.arange(60), seed=6, epoch=3)
    done = next(values for key, values in applied.items() if key.endswith(".applied"))
    assert 10 < done.sum() < 50
    whole, labels = made_of(name)
    half, its_labels = made_of(f"{name}_p0.5")
    np.testing.assert_array_equal(half[done], whole[done])
    np.testing.assert_array_equal(half[~done], IMAGES[~done])
    if Recipe.parse(name).mixes:
        np.testing.assert_array_equal(its_labels[done], labels[done])
        np.testing.assert_array_equal(its_labels[~done], np.eye(10)[LABELS[~done]])


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if not op.value_range])
def test_p_is_never_or_always_at_its_ends(name: str) -> None:
    never, _ = made_of(f"{name}_p0")
    np.testing.assert_array_equal(never, IMAGES)
    if name in TOSSED:
        np.testing.assert_array_equal(made_of(f"{name}_p1")[0], made_of(name)[0])


def test_registered_functions_have_a_coin_too() -> None:
    with registered(sepia=functions.sepia):
        recipe = Recipe.parse("flip+sepia_p0.4+rotate")
        done = recipe.parameters(np.arange(60), seed=6, epoch=3)["1.sepia.applied"]
        never, always = (
            Recipe.parse(text)(IMAGES, seed=6, epoch=3, n_jobs=1)
            for text in ("flip+sepia_p0+rotate", "flip+sepia+rotate")
        )
        found = recipe(IMAGES, seed=6, epoch=3, n_jobs=1)
    np.testing.assert_array_equal(found[done], always[done])
    np.testing.assert_array_equal(found[~done], never[~done])


def test_a_functions_own_p_is_its_argument() -> None:
    def fading(image: Any, rng: Any, p: float = 0.25) -> Any:
        return np.full_like(image, 100 * p)

    with registered(fading=fading):
        made = Recipe.parse("fading_p0.5")(IMAGES, n_jobs=1)
        op = Recipe.parse("fading_p0.5").ops[0]
    assert (made == 50).all()
    assert isinstance(op, PythonOp)
    assert op.arguments == {"p": 0.5}


@pytest.mark.parametrize("p", ["0.1", "0.5", "0.8"])
def test_coins_fall_as_often_as_p_says_and_anew_each_epoch(p: str) -> None:
    recipe = Recipe.parse(f"rotate_p{p}+hue_p{p}")
    first, second = (recipe.parameters(MANY, epoch=epoch) for epoch in (0, 1))
    count = int(first["0.rotate.applied"].sum())
    assert stats.binomtest(count, len(MANY), float(p)).pvalue > 0.001
    # Neither the op's number, nor another epoch's or another op's coin, tells of it.
    for other in (first["0.rotate.degrees"], second["0.rotate.applied"], first["1.hue.applied"]):
        assert abs(np.corrcoef(first["0.rotate.applied"], other)[0, 1]) < 0.03


def test_all_pixels_have_one_range() -> None:
    with pytest.raises(RecipeError, match=r"rescale has no fields; write rescale$"):
        Recipe.parse("rescale_p0.5")
    with pytest.raises(RecipeError) as error:
        Recipe.parse("flip+rescale-or-hue")
    assert str(error.value) == (
        "'rescale-or-hue' in recipe 'flip+rescale-or-hue': rescale sets the range of the pixels, "
        "which all images have in common; put it after the choice, with +"
    )


def test_a_choice_is_among_single_ops() -> None:
    with pytest.raises(RecipeError) as error:
        Recipe.parse("standard-or-hue")
    assert str(error.value) == (
        "'standard-or-hue': standard is 2 ops, and a choice is among single ones; name one op in "
        "its place, or put standard before or after the choice, with +"
    )


CHOICES = [
    ("rotate", "hue"),
    ("solarize_p1", "gray_p1", "blur_p1"),
    ("mixup", "cutmix_p1"),
    ("randaugment", "mixup0.2", "augmix", "elastic"),
    ("altflip", "perspective_p1", "erase_p1_fillnoise", "rotate_fillmodereflect_p0.5"),
    ("rotate10", "rotate170"),
]


@pytest.mark.parametrize("choices", CHOICES, ids="-or-".join)
def test_each_example_has_exactly_one_of_the_choices(choices: tuple[str, ...]) -> None:
    text = "-or-".join(choices)
    chosen = Recipe.parse(f"flip+{text}").parameters(np.arange(60), seed=6, epoch=3)["1.or.op"]
    alone = [made_of(f"flip+{choice}") for choice in choices]
    made, labels = made_of(f"flip+{text}")
    names = [Recipe.parse(choice).ops[0].name for choice in choices]
    logged = [f"{n}{i if names.count(n) > 1 else ''}" for i, n in enumerate(names, 1)]
    assert set(chosen) == set(logged)
    for name, (images, its_labels) in zip(logged, alone, strict=True):
        rows = chosen == name
        apart = np.abs(made[rows].astype(int) - images[rows]).max()
        # A flip and a warp in one pass may round the other way than in two.
        assert apart <= (name == "elastic")
        if labels.ndim == 2:
            whole = its_labels if its_labels.ndim == 2 else np.eye(10)[LABELS]
            np.testing.assert_array_equal(labels[rows], whole[rows])


@pytest.mark.parametrize("count", [2, 3, 7])
def test_choices_are_equally_likely(count: int) -> None:
    text = "-or-".join(f"rotate{degrees}" for degrees in range(1, count + 1))
    log = Recipe.parse(text).parameters(MANY)
    _, found = np.unique(log["0.or.op"], return_counts=True)
    assert len(found) == count
    assert stats.chisquare(found).pvalue > 0.001


def test_a_batch_has_both_kinds_of_mixing_and_soft_labels() -> None:
    recipe = Recipe.parse("mixup-or-cutmix_p1")
    made, labels = recipe(IMAGES, LABELS, seed=6)
    chosen = recipe.parameters(np.arange(60), seed=6, height=16, width=20)["0.or.op"]
    # Pasted pixels are pixels of the two; blended ones are not.
    log = recipe.parameters(np.arange(60), seed=6, height=16, width=20)
    partners = IMAGES[log["0.mixup.partner"]]
    pasted = ((made == IMAGES) | (made == partners)).all((1, 2, 3))
    np.testing.assert_array_equal(pasted, chosen == "cutmix")
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)


def test_partners_are_what_the_ops_before_the_choice_have_made() -> None:
    # Were the partner itself mixed, it would show a third example.
    recipe = Recipe.parse("gray_p1+cutmix_p1-or-mixup")
    made, _ = recipe(IMAGES, LABELS, seed=6)
    gray = Recipe.parse("gray_p1")(IMAGES)
    log = recipe.parameters(np.arange(60), seed=6, height=16, width=20)
    rows = log["1.or.op"] == "mixup"
    share = log["1.mixup.lambda"][rows, None, None, None]
    blended = share * gray[rows] + (1 - share) * gray[log["1.mixup.partner"][rows]].astype(float)
    assert np.abs(made[rows] - blended).max() <= 0.51


def test_a_choice_is_the_same_recipe_however_it_is_spelled() -> None:
    assert Recipe.parse("rotate-or-hue") == Recipe.parse("rotate30-or-hue0.1")
    assert str(Recipe.parse("zoom0.50-1.5-or-flip")) == "zoom0.5-1.5-or-flip"
    assert Recipe.parse("rotate-or-hue") != Recipe.parse("hue-or-rotate")


def test_the_parts_of_a_choice_are_logged_under_its_name() -> None:
    log = Recipe.parse("colorjitter-or-hue").parameters(np.arange(9))
    assert set(log) == {
        "0.or.op",
        *(f"0.colorjitter.{op}.factor" for op in ("brightness", "contrast", "saturation")),
        "0.colorjitter.hue.turn",
        "0.hue.turn",
    }
