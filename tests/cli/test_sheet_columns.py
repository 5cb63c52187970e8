"""Which pictures a sheet has: epochs, steps, and partners of what is mixed."""

import numpy as np
import pytest

from cifar10_aug.cli.sheet_columns import Column, Shown, one_below_the_other
from cifar10_aug.data import sample
from cifar10_aug.data.images import LabelledImages
from cifar10_aug.data.spec import SAMPLE
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Recipe

TRAIN = sample.read().train
COUNT = 12
POOL = LabelledImages(TRAIN.images[:40], TRAIN.labels[:40])
IDS = np.arange(40)


def shown(name: str, seed: int = 3) -> Shown:
    return Shown(Recipe.parse(name), POOL, COUNT, seed, SAMPLE.class_names)


def made(name: str, epoch: int = 0) -> np.ndarray:
    recipe = Recipe.parse(name)
    pool = (POOL.images, None, IDS) if recipe.mixes else None
    images: np.ndarray = recipe(
        POOL.images[:COUNT], ids=IDS[:COUNT], seed=3, epoch=epoch, partners=pool
    )
    return images


def test_each_step_shows_what_the_recipe_up_to_it_makes() -> None:
    tokens = ["crop4", "rotate30", "shear10", "erase_p1", "jpeg", "randaugment_n2_m9"]
    columns = list(shown("+".join(tokens)).steps())
    assert len(columns) == len(tokens)
    for number, column in enumerate(columns, 1):
        assert (column.images == made("+".join(tokens[:number]))).all()
        assert column.shown.all()
    assert [column.heading for column in columns[:3]] == ["crop4", "rotate30", "shear10"]
    assert columns[1].texts[0].startswith("rotate: degrees ")
    assert all("\n" not in column.texts[0] for column in columns[:3])


@pytest.mark.parametrize("name", ["rescale+rotate30", "normalize+flip+rotate30"])
def test_ops_that_set_the_range_keep_their_place_and_have_no_picture(name: str) -> None:
    """What an op draws depends on its position, so none may be left out."""
    levels = np.rint(made("rescale+rotate30") * 255)
    steps = list(shown(name).steps())
    assert [column.heading for column in steps] == name.split("+")[1:]
    if name == "rescale+rotate30":
        assert (steps[-1].images == levels).all()
    (epoch,) = shown(name).epochs(1, explain=False)
    assert (epoch.images == steps[-1].images).all()
    assert epoch.images.dtype == np.uint8


def test_epochs_are_those_of_the_recipe() -> None:
    columns = list(shown("flip+hue").epochs(3, explain=False))
    assert [column.heading for column in columns] == ["epoch 0", "epoch 1", "epoch 2"]
    for epoch, column in enumerate(columns):
        assert (column.images == made("flip+hue", epoch)).all()


def test_ops_of_a_preset_are_headed_one_by_one() -> None:
    headings = [column.heading for column in shown("rotate5+airbench94+hue-or-flip").steps()]
    assert headings == ["rotate5", "crop_pad2_fillmodereflect", "altflip", "hue-or-flip"]


def blended(mixed: np.ndarray, own: np.ndarray, partner: np.ndarray, share: float) -> bool:
    expected = share * own.astype(float) + (1 - share) * partner
    return bool((np.abs(mixed - expected) <= 1).all())


def test_a_blend_is_of_the_example_and_the_partner_shown_before_it() -> None:
    before, partner, mixed = _last("crop4+flip+mixup")
    log = Recipe.parse("crop4+flip+mixup").parameters(IDS[:COUNT], seed=3, partners=IDS)
    for i, share in enumerate(log["2.mixup.lambda"]):
        assert blended(mixed.images[i], before.images[i], partner.images[i], share)
        number = int(log["2.mixup.partner"][i])
        assert partner.texts[i] == f"#{number} {SAMPLE.class_names[int(POOL.labels[number])]}"


def _last(name: str) -> tuple[Column, Column, Column]:
    """What is mixed, its partner, and the mixture."""
    before, partner, mixed = list(shown(name).steps())[-3:]
    assert partner.heading == "partner"
    return before, partner, mixed


def test_a_pasted_rectangle_is_the_partners_and_none_is_shown_without_one() -> None:
    before, partner, mixed = _last("flip+cutmix_p0.5")
    same = (mixed.images == before.images).all(axis=(1, 2, 3))
    assert 0 < same.sum() < COUNT
    assert (partner.shown | same).all()
    either = (mixed.images == before.images) | (mixed.images == partner.images)
    assert either[partner.shown].all()
    assert not any(partner.texts[i] for i in map(int, np.flatnonzero(~partner.shown)))


def test_of_a_choice_the_partner_of_the_op_that_was_done_is_shown() -> None:
    _, partner, mixed = _last("flip+hue-or-mixup")
    log = Recipe.parse("flip+hue-or-mixup").parameters(IDS[:COUNT], seed=3, partners=IDS)
    assert (partner.shown == (log["1.or.op"] == "mixup")).all()
    assert (mixed.images == made("flip+hue-or-mixup")).all()


def test_epochs_have_the_partners_of_each() -> None:
    columns = list(shown("mixup_p0.5").epochs(2, explain=True))
    assert [one.heading for one in columns] == ["partner", "epoch 0", "partner", "epoch 1"]
    assert (columns[0].shown != columns[2].shown).any()
    assert columns[1].texts[0].startswith("mixup: ")


def test_a_recipe_that_mixes_nothing_has_no_column_of_partners() -> None:
    assert [column.heading for column in shown("mixup_p0").steps()] == ["mixup_p0"]


def test_every_op_has_steps() -> None:
    for name, op in OPS.items():
        steps = list(shown(name).steps())
        assert bool(steps) is not op.value_range, name
        if steps:
            assert (steps[-1].images == made(name)).all(), name


def test_views_lie_one_below_the_other_and_the_shorter_one_ends_with_gaps() -> None:
    recipe = Recipe.parse("flip+rotate30--erase_p1")
    of_views = []
    for number, view in enumerate(recipe.views):
        one = Shown(view, POOL, COUNT, 3, SAMPLE.class_names, number)
        of_views.append(list(one.steps()))
    first, second = one_below_the_other(of_views)
    assert (first.heading, second.heading) == ("flip / erase_p1", "rotate30")
    assert [text.split(":")[0] for text in first.texts] == ["flip", "erase"] * COUNT
    assert first.shown.all()
    assert second.shown.tolist() == [True, False] * COUNT
    made = recipe(POOL.images[:COUNT], ids=IDS[:COUNT], seed=3)
    assert (second.images[::2] == made[:, 0]).all()
    assert (first.images[1::2] == made[:, 1]).all()
