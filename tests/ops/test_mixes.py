"""Mixing: how much, with whom, and that labels follow."""

import re

import numpy as np
import pytest
from scipy import stats

from cifar10_aug.recipes.recipe import Recipe

MANY = np.arange(50_000)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (200, 32, 32, 3), np.uint8)


LABELS = np.arange(200) % 10


@pytest.mark.parametrize("alpha", ["0.01", "0.1", "0.2", "0.4", "0.5", "1", "2", "8", "100"])
def test_lambda_has_the_beta_distribution(alpha: str) -> None:
    shares = Recipe.parse(f"mixup{alpha}").parameters(MANY, partners=[0, 1])["0.mixup.lambda"]
    assert shares.min() >= 0
    assert shares.max() <= 1
    a = float(alpha)
    # Floats close to 1 are farther apart than those close to 0, where small alphas end up.
    lower = shares[shares < 0.5]
    assert stats.kstest(lower, lambda x: 2 * stats.beta(a, a).cdf(x)).pvalue > 0.001
    assert stats.binomtest(len(lower), len(shares)).pvalue > 0.001
    upper = 1 - shares[shares > 0.5]
    if a > 0.3:
        assert stats.kstest(upper, lambda x: 2 * stats.beta(a, a).cdf(x)).pvalue > 0.001


def test_lambda_is_drawn_anew_each_epoch_and_apart_from_the_partner() -> None:
    recipe = Recipe.parse("mixup")
    first, second = (recipe.parameters(MANY, epoch=epoch) for epoch in (0, 1))
    for name in ("0.mixup.lambda", "0.mixup.partner"):
        assert abs(np.corrcoef(first[name], second[name])[0, 1]) < 0.02
    assert abs(np.corrcoef(first["0.mixup.lambda"], first["0.mixup.partner"])[0, 1]) < 0.02


def test_partners_are_equally_likely_and_from_the_slice() -> None:
    slice_ = [7, 8, 9, 11, 700]
    partners = Recipe.parse("cutmix").parameters(MANY, partners=slice_)["0.cutmix.partner"]
    found, counts = np.unique(partners, return_counts=True)
    assert found.tolist() == slice_
    assert stats.chisquare(counts).pvalue > 0.001


def test_mixup_blends_images_and_labels_alike(images: np.ndarray) -> None:
    recipe = Recipe.parse("mixup")
    made, labels = recipe(images, LABELS, seed=4, epoch=2)
    log = recipe.parameters(np.arange(200), seed=4, epoch=2)
    for i in range(200):
        share, partner = log["0.mixup.lambda"][i], log["0.mixup.partner"][i]
        blended = share * images[i] + (1 - share) * images[partner].astype(float)
        assert np.abs(made[i] - blended).max() <= 0.51
        expected = np.zeros(10)
        expected[LABELS[i]] += share
        expected[LABELS[partner]] += 1 - share
        np.testing.assert_allclose(labels[i], expected, atol=1e-6)
    assert labels.dtype == np.float32
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (17, 40)])
def test_cutmix_pastes_a_box_and_labels_follow_its_area(height: int, width: int) -> None:
    images = np.random.default_rng(2).integers(0, 256, (300, height, width, 3), np.uint8)
    labels = np.arange(300) % 10
    recipe = Recipe.parse("cutmix_p0.7")
    made, shares = recipe(images, labels, epoch=1)
    log = recipe.parameters(np.arange(300), epoch=1, height=height, width=width)
    sides = ("top", "left", "bottom", "right")
    pasted = 0
    for i in range(300):
        partner = log["0.cutmix.partner"][i]
        top, left, bottom, right = (log[f"0.cutmix.{side}"][i] for side in sides)
        expected = images[i].copy()
        expected[top:bottom, left:right] = images[partner, top:bottom, left:right]
        np.testing.assert_array_equal(made[i], expected)
        area = (bottom - top) * (right - left) / (height * width)
        pasted += area > 0
        label = np.zeros(10)
        label[labels[i]] += 1 - area
        label[labels[partner]] += area
        np.testing.assert_allclose(shares[i], label, atol=1e-6)
    assert 0.5 < pasted / 300 < 0.8


def test_cutmix_boxes_have_the_papers_size_and_place() -> None:
    log = Recipe.parse("cutmix_p1").parameters(MANY, partners=[0])
    top, left, bottom, right = (log[f"0.cutmix.{s}"] for s in ("top", "left", "bottom", "right"))
    assert (top >= 0).all()
    assert (bottom <= 32).all()
    side = (32 * np.sqrt(1 - log["0.cutmix.lambda"])).astype(int) // 2 * 2
    whole = (top > 0) & (bottom < 32) & (left > 0) & (right < 32)
    assert whole.sum() > 1000
    assert (bottom - top == side)[whole].all()
    assert (right - left == side)[whole].all()
    assert (bottom - top <= side).all()
    # Centres lie anywhere, corners included.
    small = side == 2
    assert set((top[small] + (top[small] > 0)).tolist()) >= set(range(2, 31))
    assert {0} <= set(top[small].tolist())
    assert {32} <= set(bottom[small].tolist())


def test_cutmix_comes_as_often_as_p_says() -> None:
    for p in (0, 0.5, 1):
        log = Recipe.parse(f"cutmix_p{p}").parameters(MANY, partners=[0])
        large = log["0.cutmix.lambda"] < 0.9
        pasted = (log["0.cutmix.bottom"] > log["0.cutmix.top"])[large].mean()
        assert abs(pasted - p) < 0.01


def test_the_pair_is_augmented_and_augmented(images: np.ndarray) -> None:
    before = Recipe.parse("rotate30+erase_p1")(images, epoch=3)
    recipe = Recipe.parse("rotate30+erase_p1+mixup")
    made, log = recipe(images, epoch=3), recipe.parameters(np.arange(200), epoch=3)
    share = log["2.mixup.lambda"][:, None, None, None]
    blended = share * before + (1 - share) * before[log["2.mixup.partner"]]
    assert np.abs(made - blended).max() <= 0.51


def test_later_ops_work_on_the_mixture(images: np.ndarray) -> None:
    mixed = Recipe.parse("mixup")(images)
    made = Recipe.parse("mixup+flip_p1+invert_p1")(images)
    assert (made == 255 - mixed[:, :, ::-1]).all()


def test_two_mixtures_mix_mixtures(images: np.ndarray) -> None:
    recipe = Recipe.parse("mixup+cutmix_p1")
    made, labels = recipe(images, LABELS)
    mixed, soft = Recipe.parse("mixup")(images, LABELS)
    log = recipe.parameters(np.arange(200))
    for i in range(200):
        top, left, bottom, right = (
            log[f"1.cutmix.{side}"][i] for side in ("top", "left", "bottom", "right")
        )
        partner = log["1.cutmix.partner"][i]
        expected = mixed[i].copy()
        expected[top:bottom, left:right] = mixed[partner, top:bottom, left:right]
        np.testing.assert_array_equal(made[i], expected)
        area = (bottom - top) * (right - left) / 1024
        np.testing.assert_allclose(
            labels[i], (1 - area) * soft[i] + area * soft[partner], atol=1e-6
        )


def test_an_example_is_replayed_from_its_key_alone(images: np.ndarray) -> None:
    recipe = Recipe.parse("crop4+mixup+cutmix_p1+rescale")
    made, labels = recipe(images, LABELS, seed=8, epoch=6)
    slice_ = (images, LABELS, np.arange(200))
    for i in (0, 57, 199):
        again, label = recipe(images[i], LABELS[i], ids=i, seed=8, epoch=6, partners=slice_)
        np.testing.assert_array_equal(again, made[i])
        np.testing.assert_array_equal(label, labels[i])


def test_the_order_of_the_slice_does_not_matter(images: np.ndarray) -> None:
    recipe = Recipe.parse("mixup")
    made = recipe(images, LABELS)
    order = np.random.default_rng(0).permutation(200)
    twice = np.concatenate([order, order[:50]])
    slice_ = (images[twice], LABELS[twice], twice)
    again = recipe(images, LABELS, partners=slice_)
    np.testing.assert_array_equal(again[0], made[0])
    np.testing.assert_array_equal(again[1], made[1])


def test_soft_labels_of_any_number_of_classes_are_mixed(images: np.ndarray) -> None:
    given = np.eye(3, dtype=np.float32)[np.arange(200) % 3]
    _, labels = Recipe.parse("mixup")(images, given)
    assert labels.shape == (200, 3)
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)


def test_no_images_are_no_mixtures() -> None:
    made, labels = Recipe.parse("mixup+cutmix")(np.empty((0, 32, 32, 3), np.uint8), [])
    assert made.shape == (0, 32, 32, 3)
    assert labels.shape == (0, 10)
    assert Recipe.parse("mixup").parameters([])["0.mixup.lambda"].shape == (0,)


def test_without_labels_there_are_none(images: np.ndarray) -> None:
    alone = Recipe.parse("mixup")(images)
    np.testing.assert_array_equal(alone, Recipe.parse("mixup")(images, LABELS)[0])


@pytest.mark.parametrize(
    ("recipe", "arguments", "message"),
    [
        (
            "mixup",
            {"labels": [0, 10]},
            "labels go from 0 to 10; give classes from 0 to 9, or shares of any number of "
            "classes, [batch, classes]",
        ),
        (
            "mixup",
            {"labels": [0.5, 1.0]},
            "labels are float64 of shape [2]; give for each of the 2 images a class from 0 to 9, "
            "or floats of shape [2, classes]",
        ),
        (
            "flip",
            {"partners": (None, None, None)},
            "partners are for recipes that mix examples; flip does not",
        ),
        (
            "mixup",
            {"partners": 3},
            "partners are not (images, labels, ids); give the examples of the whole slice that "
            "partners are drawn from, labels None if none are asked for",
        ),
        (
            "mixup",
            {"partners": (np.zeros((2, 8, 8, 3), np.uint8), None, [0, 1])},
            "partners' images are of shape [2, 8, 8, 3]; give at least one of the size of the "
            "others, [32, 32, 3]",
        ),
        (
            "mixup",
            {"labels": [1, 2], "partners": (np.zeros((2, 32, 32, 3), np.uint8), None, [0, 1])},
            "give labels for the images and for partners, or for neither",
        ),
        (
            "mixup",
            {
                "labels": [1, 2],
                "partners": (np.zeros((1, 32, 32, 3), np.uint8), np.ones((1, 3), np.float32), [0]),
            },
            "partners have 3 classes, the images 10; give as many",
        ),
    ],
)
def test_wrong_arguments_are_named(
    recipe: str, arguments: dict, message: str, images: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Recipe.parse(recipe)(images[:2], **arguments)


def test_resizemix_pastes_the_whole_partner_and_labels_by_area(images: np.ndarray) -> None:
    recipe = Recipe.parse("resizemix")
    made, labels = recipe(images, LABELS, seed=3)
    log = recipe.parameters(np.arange(200), seed=3)
    for i in range(200):
        top, left, bottom, right = (
            log[f"0.resizemix.{side}"][i] for side in ("top", "left", "bottom", "right")
        )
        partner = images[log["0.resizemix.partner"][i]]
        # OpenMixup: interpolate(partner, size of the box, mode="nearest").
        rows = np.arange(bottom - top) * 32 // max(bottom - top, 1)
        columns = np.arange(right - left) * 32 // max(right - left, 1)
        expected = images[i].copy()
        expected[top:bottom, left:right] = partner[rows][:, columns]
        np.testing.assert_array_equal(made[i], expected)
        share = (bottom - top) * (right - left) / 1024
        mixed = (1 - share) * np.eye(10)[LABELS[i]]
        mixed += share * np.eye(10)[LABELS[log["0.resizemix.partner"][i]]]
        np.testing.assert_allclose(labels[i], mixed, atol=1e-6)


def test_resizemixs_boxes_are_tau_of_the_sides_cut_off_at_the_border() -> None:
    log = Recipe.parse("resizemix").parameters(MANY)
    tau = log["0.resizemix.tau"]
    assert stats.kstest(tau, stats.uniform(0.1, 0.7).cdf).pvalue > 0.001
    half = (32 * tau).astype(int) // 2
    for low, high in (("top", "bottom"), ("left", "right")):
        first, last = log[f"0.resizemix.{low}"], log[f"0.resizemix.{high}"]
        whole = (first > 0) & (last < 32)
        np.testing.assert_array_equal((last - first)[whole], 2 * half[whole])
        assert (last - first <= 2 * half).all()
        centres = (first + half)[whole & (half == 5)]
        assert stats.chisquare(np.bincount(centres - 6, minlength=21)).pvalue > 0.001
