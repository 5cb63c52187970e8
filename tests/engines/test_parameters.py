import numpy as np
import pytest

from cifar10_aug.ops import OPS
from cifar10_aug.recipes.recipe import Recipe

IDS = np.arange(40)


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.slots])
def test_every_op_that_draws_says_what(name: str) -> None:
    # By default, this one's numbers are ranges of one number each.
    text = {"elastic": "elastic5-40"}.get(name, name)
    found = Recipe.parse(f"flip+{text}").parameters(IDS)
    mine = {key: values for key, values in found.items() if key.startswith("1.")}
    assert mine
    assert all(values.shape == (40,) for values in mine.values())
    assert any(len(set(values.tolist())) > 1 for values in mine.values())


def test_what_is_logged_is_what_is_done() -> None:
    black = np.zeros((40, 20, 24, 3), np.uint8)
    recipe = Recipe.parse("erase_p0.7_fillrandom")
    made = recipe(black + np.uint8(1), ids=IDS, seed=3, epoch=2)
    log = recipe.parameters(IDS, seed=3, epoch=2, height=20, width=24)
    box = {side: log[f"0.erase.{side}"] for side in ("top", "left", "bottom", "right")}
    for i in range(40):
        expected = black[i] + np.uint8(1)
        expected[box["top"][i] : box["bottom"][i], box["left"][i] : box["right"][i]] = log[
            "0.erase.level"
        ][i]
        np.testing.assert_array_equal(made[i], expected)


def test_an_example_is_replayed_from_the_log() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    for text, key, replay in (
        ("rotate", "0.rotate.degrees", "rotate{0}-{0}"),
        ("brightness", "0.brightness.factor", "brightness{0}-{0}"),
        ("flip+crop4+saturation", "2.saturation.factor", None),
    ):
        recipe = Recipe.parse(text)
        log = recipe.parameters(IDS, seed=1, epoch=4)
        assert key in log
        if replay is None:
            continue
        made = recipe(images, seed=1, epoch=4)
        for i in np.flatnonzero(log[key] > 0)[:5]:
            number = np.format_float_positional(log[key][i], precision=9, trim="-")
            again = Recipe.parse(replay.format(number))(images[i])
            assert np.abs(again.astype(int) - made[i]).max() <= 1


def test_epochs_seeds_and_examples_have_their_own() -> None:
    recipe = Recipe.parse("rotate+erase")
    base = recipe.parameters(IDS)
    assert list(base) == [
        "0.rotate.degrees",
        *(f"1.erase.{name}" for name in ("top", "left", "bottom", "right", "level")),
    ]
    for other in (recipe.parameters(IDS, epoch=1), recipe.parameters(IDS, seed=1)):
        assert (other["0.rotate.degrees"] != base["0.rotate.degrees"]).all()
    some = recipe.parameters(["train_00007", "train_00003"])
    assert some["0.rotate.degrees"].tolist() == base["0.rotate.degrees"][[7, 3]].tolist()
    assert recipe.parameters(IDS[:0])["0.rotate.degrees"].shape == (0,)
    assert recipe.parameters(7)["0.rotate.degrees"] == base["0.rotate.degrees"][7]
    assert Recipe.parse("rescale").parameters(IDS) == {}


def test_the_parts_of_an_op_are_named_by_themselves() -> None:
    found = Recipe.parse("colorjitter").parameters(IDS)
    assert list(found) == [
        "0.brightness.factor",
        "0.contrast.factor",
        "0.saturation.factor",
        "0.hue.turn",
    ]


def test_a_coin_for_all_parts_of_an_op_is_named_by_the_op() -> None:
    found = Recipe.parse("flip+colorjitter_p0.8").parameters(IDS)
    assert list(found)[1:3] == ["1.colorjitter.applied", "1.brightness.factor"]
    assert sum(name.endswith(".applied") for name in found) == 1
    coin = found["1.colorjitter.applied"]
    assert 0 < coin.sum() < 40
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), np.uint8)
    changed = (Recipe.parse("flip_p0+colorjitter_p0.8")(images) != images).any(axis=(1, 2, 3))
    assert (changed == coin).all()
    chosen = Recipe.parse("colorjitter_p0.5-or-gray").parameters(IDS)
    assert "0.colorjitter.applied" in chosen


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="partners are empty; give the ids of at least one ex"):
        Recipe.parse("mixup").parameters(IDS, partners=[])
    with pytest.raises(ValueError, match="seed is -1; give a whole number from 0"):
        Recipe.parse("flip").parameters(IDS, seed=-1)
    with pytest.raises(ValueError, match="an id is 'x'; give integers, or names such as train_"):
        Recipe.parse("flip").parameters(["x"])


def test_the_log_tells_partners_of_both_splits_apart() -> None:
    log = Recipe.parse("mixup").parameters(IDS, partners=["train_00007", "test_00007"])
    assert set(log["0.mixup.partner"]) == {7}
    assert set(log["0.mixup.partnersplit"]) == {"train", "test"}
    for split in ("train", "test"):
        alone = Recipe.parse("mixup").parameters(IDS, partners=[f"{split}_00007"])
        assert set(alone["0.mixup.partnersplit"]) == {split}
