"""Policies: what they choose, how strongly, and that Pillow does the same with it."""

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from cifar10_aug.recipes.recipe import Recipe
from tests.ops.pillow import GEOMETRIC, inside, recoloured, transformed

MANY = np.arange(20_000)
# The magnitudes that torchvision documents for RandAugment at 9 of 30, without signs.
RANDAUGMENT_9 = {
    "shearx": 0.09,
    "sheary": 0.09,
    "translatex": 150 / 331 * 0.3,
    "translatey": 150 / 331 * 0.3,
    "rotate": 9,
    "brightness": 0.27,
    "color": 0.27,
    "contrast": 0.27,
    "sharpness": 0.27,
    "posterize": 7,
    "solarize": 178.5,
}
SIGNED = {
    *("shearx", "sheary", "translatex", "translatey", "rotate"),
    *("brightness", "color", "contrast", "sharpness"),
}
CENTRED_ON_ONE = {"brightness", "color", "contrast", "sharpness"}
NAMES = {*RANDAUGMENT_9, "autocontrast", "equalize", "identity"}
# The policy for CIFAR-10 in wide use: two ops a line, each with probability and magnitude.
AUTOAUGMENT = """
invert 0.1 - contrast 0.2 6
rotate 0.7 2 translatex 0.3 9
sharpness 0.8 1 sharpness 0.9 3
sheary 0.5 8 translatey 0.7 9
autocontrast 0.5 - equalize 0.9 -
sheary 0.2 7 posterize 0.3 7
color 0.4 3 brightness 0.6 7
sharpness 0.3 9 brightness 0.7 9
equalize 0.6 - equalize 0.5 -
contrast 0.6 7 sharpness 0.6 5
color 0.7 7 translatex 0.5 8
equalize 0.3 - autocontrast 0.4 -
translatey 0.4 3 sharpness 0.2 6
brightness 0.9 6 color 0.2 8
solarize 0.5 2 invert 0.0 -
equalize 0.2 - autocontrast 0.6 -
equalize 0.2 - equalize 0.6 -
color 0.9 9 equalize 0.6 -
autocontrast 0.8 - solarize 0.2 8
brightness 0.1 3 color 0.7 0
solarize 0.4 5 autocontrast 0.9 -
translatey 0.9 9 translatey 0.7 9
autocontrast 0.9 - solarize 0.8 3
equalize 0.8 - invert 0.1 -
translatey 0.7 9 autocontrast 0.9 -
"""


def distance(name: str, values: np.ndarray) -> np.ndarray:
    """Of signed numbers from what does nothing."""
    return np.abs(values - (name in CENTRED_ON_ONE)) if name in SIGNED else values


def assert_equally_often(names: np.ndarray) -> None:
    found, counts = np.unique(names, return_counts=True)
    assert set(found.tolist()) == NAMES
    assert stats.chisquare(counts).pvalue > 0.001


def assert_both_signs(name: str, values: np.ndarray) -> None:
    above = (values > (name in CENTRED_ON_ONE)).mean()
    assert 0.4 < above < 0.6


def test_randaugment_does_n_of_fourteen_things_equally_often() -> None:
    log = Recipe.parse("randaugment_n3").parameters(MANY)
    assert [key for key in log if ".op" in key] == [f"0.randaugment.op{n}" for n in (1, 2, 3)]
    for number in (1, 2, 3):
        assert_equally_often(log[f"0.randaugment.op{number}"])
    both = log["0.randaugment.op1"] == log["0.randaugment.op2"]
    assert 0.06 < both.mean() < 0.083  # 1 / 14


@pytest.mark.parametrize("name", RANDAUGMENT_9)
def test_randaugments_magnitudes_are_torchvisions(name: str) -> None:
    log = Recipe.parse("randaugment").parameters(MANY)
    values = log["0.randaugment.value1"][log["0.randaugment.op1"] == name]
    np.testing.assert_allclose(distance(name, values), RANDAUGMENT_9[name], rtol=1e-12)
    if name in SIGNED:
        assert_both_signs(name, values)


def test_randaugment_at_magnitude_0_and_30() -> None:
    for m, bits, threshold, degrees in ((0, 8, 255, 0), (30, 4, 0, 30)):
        log = Recipe.parse(f"randaugment_m{m}").parameters(MANY)
        names, values = log["0.randaugment.op1"], log["0.randaugment.value1"]
        assert set(values[names == "posterize"].tolist()) == {bits}
        assert set(values[names == "solarize"].tolist()) == {threshold}
        assert set(np.abs(values[names == "rotate"]).tolist()) == {degrees}


def test_trivialaugment_does_one_thing_at_any_of_31_magnitudes() -> None:
    log = Recipe.parse("trivialaugment").parameters(MANY)
    names, values = log["0.trivialaugment.op"], log["0.trivialaugment.value"]
    assert_equally_often(names)
    strengths = np.arange(31) / 30
    for name, most in (
        *(("shearx", 0.99), ("sheary", 0.99), ("translatex", 1), ("translatey", 1)),
        *(("rotate", 135), ("brightness", 0.99), ("color", 0.99), ("contrast", 0.99)),
        ("sharpness", 0.99),
    ):
        found = values[names == name]
        steps = distance(name, found) / most * 30
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
        assert stats.chisquare(np.bincount(np.rint(steps).astype(int), minlength=31)).pvalue > 1e-3
        assert_both_signs(name, found[steps > 0.5])
    bits = 8 - np.rint(6 * strengths)
    assert set(values[names == "posterize"].tolist()) == set(bits.tolist())
    np.testing.assert_allclose(
        np.unique(values[names == "solarize"]), np.sort(255 * (1 - strengths)), atol=1e-9
    )


def test_autoaugment_is_the_policy_in_wide_use() -> None:
    log = Recipe.parse("autoaugment").parameters(np.arange(100_000))
    chosen = log["0.autoaugment.subpolicy"]
    lines = AUTOAUGMENT.split("\n")[1:-1]
    assert stats.chisquare(np.bincount(chosen, minlength=25)).pvalue > 0.001
    full = {**dict.fromkeys(("sheary",), 0.3), "translatex": 10 / 32, "translatey": 10 / 32}
    full |= {"rotate": 30, **dict.fromkeys(CENTRED_ON_ONE, 0.9)}
    for number, line in enumerate(lines):
        words = line.split()
        for step, (name, p, level) in enumerate((words[:3], words[3:]), start=1):
            names = log[f"0.autoaugment.op{step}"][chosen == number]
            values = log[f"0.autoaugment.value{step}"][chosen == number]
            done = names == name
            assert (names[~done] == "identity").all()
            assert stats.binomtest(int(done.sum()), len(done), float(p)).pvalue > 1e-5
            if level == "-" or not done.any():
                continue
            share = int(level) / 9
            if name == "posterize":
                expected = 8 - np.rint(4 * share)
            elif name == "solarize":
                expected = 255 - 255 * share
            else:
                expected = full[name] * share
            np.testing.assert_allclose(distance(name, values[done]), expected, atol=1e-12)
            if name in SIGNED and share:
                assert_both_signs(name, values[done])


def assert_pillow_does_it(image: np.ndarray, ours: np.ndarray, name: str, value: float) -> None:
    if name in GEOMETRIC:
        matrix = GEOMETRIC[name](value)
        theirs = transformed(image, Image.Transform.AFFINE, matrix)
        visible = inside(matrix, 32, 32)
        assert np.abs(ours.astype(int) - theirs)[visible].max(initial=0) <= 2
        assert not ours[~inside(matrix, 32, 32, margin=-1)].any()
    else:
        assert np.abs(ours - recoloured(image, name, value)).max() <= 1


@pytest.mark.parametrize("text", ["randaugment1_m17", "trivialaugment"])
def test_what_is_logged_is_done_as_pillow_does_it(text: str, sample_images: np.ndarray) -> None:
    recipe, images = Recipe.parse(text), sample_images[:400]
    made, log = recipe(images, seed=3), recipe.parameters(np.arange(400), seed=3)
    names, values = (next(v for k, v in log.items() if f".{w}" in k) for w in ("op", "value"))
    assert set(names.tolist()) == NAMES
    for image, ours, name, value in zip(images, made, names.tolist(), values, strict=True):
        assert_pillow_does_it(image, ours, name, value)


@pytest.mark.parametrize("text", ["randaugment_n3_m17", "autoaugment"])
def test_steps_follow_each_other(text: str, sample_images: np.ndarray) -> None:
    recipe, images = Recipe.parse(text), sample_images[:600]
    made, log = recipe(images, epoch=5), recipe.parameters(np.arange(600), epoch=5)
    steps = [k.removeprefix("0.").split(".")[1] for k in log if ".op" in k]
    kind = recipe.ops[0].name
    compared = 0
    for i, image in enumerate(images):
        current: np.ndarray | None = image
        for step in steps:
            if current is None:
                break
            number = step.removeprefix("op")
            name = str(log[f"0.{kind}.op{number}"][i])
            theirs = recoloured(current, name, log[f"0.{kind}.value{number}"][i])
            current = None if theirs is None else theirs.astype(np.uint8)
        if current is not None:
            compared += 1
            # Brightness may be a level off, which later steps can enlarge.
            apart = np.abs(made[i].astype(int) - current)
            assert np.median(apart) <= 1
            assert (apart > 3).mean() < 0.05
    assert compared > 100


def test_an_image_that_nothing_moves_is_not_resampled(sample_images: np.ndarray) -> None:
    recipe = Recipe.parse("randaugment_n4_m0")
    made = recipe(sample_images[:200])
    log = recipe.parameters(np.arange(200))
    still = np.ones(200, bool)
    for number in range(1, 5):
        still &= np.isin(
            log[f"0.randaugment.op{number}"],
            ["identity", "rotate", "shearx", "sheary", "translatex", "translatey"],
        )
    assert still.sum() > 3
    assert (made[still] == sample_images[:200][still]).all()


def test_the_fill_is_the_users(sample_images: np.ndarray) -> None:
    recipe = Recipe.parse("randaugment1_m30_cval255")
    made, log = recipe(sample_images[:200]), recipe.parameters(np.arange(200))
    moved = np.flatnonzero(log["0.randaugment.op1"] == "translatex")
    assert len(moved)
    for i in moved:
        right = log["0.randaugment.value1"][i] > 0
        assert (made[i][:, -1 if right else 0] == 255).all()


def mixture(log: dict[str, np.ndarray], i: int, image: np.ndarray, chains: int) -> np.ndarray:
    """AugMix by Pillow, from what is logged; NaN where a chain moves pixels beyond the border."""
    total = (1 - log["0.augmix.share"][i]) * image
    for chain in range(1, chains + 1):
        current: np.ndarray | None = image
        for step in (1, 2, 3):
            name = str(log[f"0.augmix.chain{chain}op{step}"][i])
            value = log[f"0.augmix.chain{chain}value{step}"][i]
            assert current is not None
            theirs = recoloured(current, name, value)
            if theirs is None:
                theirs = transformed(current, Image.Transform.AFFINE, GEOMETRIC[name](value))
            current = theirs.astype(np.uint8)
        total = total + log[f"0.augmix.weight{chain}"][i] * current
    return np.rint(total)


def test_augmix_is_a_mixture_of_chains(sample_images: np.ndarray) -> None:
    recipe, images = Recipe.parse("augmix"), sample_images[:60]
    made, log = recipe(images, seed=9), recipe.parameters(np.arange(60), seed=9)
    apart = np.stack(
        [np.abs(mixture(log, i, image, 3) - made[i]).max(axis=-1) for i, image in enumerate(images)]
    )
    # Borders are half a pixel apart, and roundings add up along a chain.
    inner = apart[:, 8:-8, 8:-8]
    assert np.median(inner) <= 1
    assert (inner > 6).mean() < 0.05


def test_augmixs_weights_and_lengths_have_the_papers_distributions() -> None:
    log = Recipe.parse("augmix").parameters(MANY)
    share = log["0.augmix.share"]
    assert stats.kstest(share, stats.uniform.cdf).pvalue > 0.001
    weights = np.stack([log[f"0.augmix.weight{k}"] for k in (1, 2, 3)])
    np.testing.assert_allclose(weights.sum(axis=0), share, atol=1e-12)
    for weight in weights / share:
        # A part of Dirichlet(1, 1, 1) has the distribution Beta(1, 2).
        assert stats.kstest(weight, stats.beta(1, 2).cdf).pvalue > 0.001
    done = np.stack([log[f"0.augmix.chain1op{k}"] != "identity" for k in (1, 2, 3)])
    assert done[0].all()
    assert stats.chisquare(np.bincount(done.sum(axis=0))[1:]).pvalue > 0.001
    names = np.unique(log["0.augmix.chain2op1"])
    assert set(names.tolist()) == {
        *("autocontrast", "equalize", "posterize", "rotate", "solarize"),
        *("shearx", "sheary", "translatex", "translatey"),
    }


def test_augmixs_chains_and_steps_are_independent() -> None:
    log = Recipe.parse("augmix").parameters(MANY)
    names = [log[f"0.augmix.chain{c}op1"] for c in (1, 2, 3)] + [log["0.augmix.chain1op2"]]
    for i, one in enumerate(names):
        for other in names[:i]:
            assert (one == other).mean() < 0.13  # 1 / 9


def test_augmixs_strengths_are_the_papers() -> None:
    log = Recipe.parse("augmix3").parameters(MANY)
    names, values = log["0.augmix.chain1op1"], log["0.augmix.chain1value1"]
    rotations = np.abs(values[names == "rotate"])
    assert set(rotations.tolist()) == set(range(9))  # int(U(0.1, 3) / 10 * 30)
    assert set(values[names == "posterize"].tolist()) == {3, 4}
    assert values[names == "solarize"].min() == 256 - 76
    slopes = np.abs(values[names == "shearx"])
    assert stats.kstest(slopes, stats.uniform(0.003, 0.087).cdf).pvalue > 0.001
    moves = np.abs(values[names == "translatey"])
    assert stats.kstest(moves, stats.uniform(0.01 / 3, 0.29 / 3).cdf).pvalue > 0.001


def test_augmix_takes_other_widths_and_depths(sample_images: np.ndarray) -> None:
    for text in ("augmix10_width1_depth1", "augmix1_width8_depth8", "augmix_depth2-4_cval7"):
        recipe = Recipe.parse(text)
        assert recipe(sample_images[:3]).shape == (3, 32, 32, 3)
        log = recipe.parameters(MANY[:50])
        chains = {key.split("op")[0] for key in log if "op" in key}
        assert len(chains) == recipe.ops[0].width  # type: ignore[attr-defined]


# timm's increasing ops: what each does at a magnitude of m, without signs.
TIMM = {
    "autocontrast": None,
    "equalize": None,
    "invert": None,
    "rotate": lambda m: 30 * m / 10,
    "posterize": lambda m: 4 - int(0.4 * m),
    "solarize": lambda m: 256 - min(256, int(m / 10 * 256)),
    "solarizeadd": lambda m: min(128, int(m / 10 * 110)),
    **dict.fromkeys(sorted(CENTRED_ON_ONE), lambda m: max(0.1, m / 10 * 0.9)),
    **dict.fromkeys(("shearx", "sheary"), lambda m: 0.3 * m / 10),
    **dict.fromkeys(("translatexrel", "translateyrel"), lambda m: 0.45 * m / 10),
}
SIGNED_IN_TIMM = CENTRED_ON_ONE | {
    *("rotate", "shearx", "sheary", "translatexrel", "translateyrel")
}


def assert_timms_share(names: np.ndarray, prob: float) -> None:
    found, counts = np.unique(names, return_counts=True)
    assert set(found.tolist()) == {*TIMM, "identity"}
    shares = np.where(found == "identity", 1 - prob, prob / 15)
    assert stats.chisquare(counts, shares * len(names)).pvalue > 0.001


def test_timmaugment_does_each_of_fifteen_ops_half_the_time() -> None:
    log = Recipe.parse("timmaugment_m9_std0.5_n2").parameters(MANY)
    for number in (1, 2):
        assert_timms_share(log[f"0.timmaugment.op{number}"], 0.5)
    assert "0.timmaugment.op3" not in log
    # With replacement, and independently.
    one, other = (log[f"0.timmaugment.op{number}"] for number in (1, 2))
    both = (one == other)[one != "identity"].mean()
    assert 0.5 / 15 * 0.8 < both < 0.5 / 15 * 1.2
    often = Recipe.parse("timmaugment1_prob0.8").parameters(MANY)
    assert_timms_share(often["0.timmaugment.op1"], 0.8)


@pytest.mark.parametrize(("m", "std"), [(9, 0.5), (5, 2), (0, 1), (10, 0)])
def test_timmaugments_magnitudes_are_normal_and_cut_off(m: float, std: float) -> None:
    log = Recipe.parse(f"timmaugment_m{m}_std{std}").parameters(MANY)
    one, other = (log[f"0.timmaugment.magnitude{number}"] for number in (1, 2))
    assert (one.min() >= 0) & (one.max() <= 10)
    if std == 0:
        assert set(one.tolist()) == {10.0}
        return
    edges = stats.norm.ppf(np.arange(1, 20) / 20, m, std)
    edges = np.r_[0, edges[(edges > 0) & (edges < 10)], 10]
    # What is cut off lies at the ends.
    shares = np.diff(np.r_[0, stats.norm.cdf(edges[1:-1], m, std), 1])
    counts, _ = np.histogram(one, edges)
    assert stats.chisquare(counts, shares * len(one)).pvalue > 0.001
    assert (one == 10).mean() == pytest.approx(stats.norm.sf(10, m, std), abs=0.01)
    assert (one == 0).mean() == pytest.approx(stats.norm.cdf(0, m, std), abs=0.02)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.03


@pytest.mark.parametrize("text", ["timmaugment", "timmaugment_m5_std4"])
def test_timmaugments_numbers_are_timms(text: str) -> None:
    log = Recipe.parse(text).parameters(MANY)
    names, values, magnitudes = (
        log[f"0.timmaugment.{what}1"] for what in ("op", "value", "magnitude")
    )
    for name, number in TIMM.items():
        found, drawn = values[names == name], magnitudes[names == name].tolist()
        if number is None:
            assert np.isnan(found).all()
            continue
        if name in SIGNED_IN_TIMM:
            assert_both_signs(name, found[np.array(drawn) > 0])
        far = np.abs(found - (name in CENTRED_ON_ONE)) if name in SIGNED_IN_TIMM else found
        expected = [m / 10 * 0.9 if name in CENTRED_ON_ONE else number(m) for m in drawn]
        np.testing.assert_allclose(far, expected, atol=1e-12)
    assert found.min() >= -0.45


def test_timmaugment_does_what_pillow_does(sample_images: np.ndarray) -> None:
    recipe, images = Recipe.parse("timmaugment1_prob1"), sample_images[:400]
    made, log = recipe(images, seed=3), recipe.parameters(np.arange(400), seed=3)
    names, values = log["0.timmaugment.op1"].tolist(), log["0.timmaugment.value1"]
    assert set(names) == set(TIMM)
    for image, ours, name, value in zip(images, made, names, values, strict=True):
        matrix: tuple[float, ...]
        if name == "translatexrel":
            matrix = (1, 0, 32 * value, 0, 1, 0)
        elif name == "translateyrel":
            matrix = (1, 0, 0, 0, 1, 32 * value)
        elif name in GEOMETRIC:
            matrix = GEOMETRIC[name](value)
        elif name == "solarizeadd":
            table = [min(255, level + int(value)) if level < 128 else level for level in range(256)]
            np.testing.assert_array_equal(ours, np.array(table)[image])
            continue
        else:
            theirs = recoloured(image, name, value)
            assert theirs is not None
            assert np.abs(ours - theirs).max() <= 1
            continue
        theirs = transformed(image, Image.Transform.AFFINE, matrix)
        visible = inside(matrix, 32, 32)
        assert np.abs(ours.astype(int) - theirs)[visible].max(initial=0) <= 2
        assert (ours[~inside(matrix, 32, 32, margin=-1)] == 128).all()
