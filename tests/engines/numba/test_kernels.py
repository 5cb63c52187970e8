from pathlib import Path

import numba
import numpy as np
import pytest

from cifar10_aug.engines.numba.kernels import philox, pixels, render
from cifar10_aug.engines.numba.shuffling import shuffled
from cifar10_aug.rng import draws
from tests import programs


def test_packing_keeps_the_channels_apart() -> None:
    source = np.zeros(2, np.uint32)
    pixels.pack(np.array([1, 2, 3, 255, 254, 253], np.uint8), source)
    assert source.tolist() == [0x030201, 0xFDFEFF]


def test_levels_are_packed_wherever_they_begin() -> None:
    levels = np.random.default_rng(0).integers(0, 256, 5 + 3 * 64, np.uint8)
    expected, compiled, plain = (np.zeros(64, np.uint32) for _ in range(3))
    pixels.pack(levels[5:].copy(), expected)
    render._pack(levels, 5, 64, compiled)
    render._pack.py_func(levels, 5, 64, plain)
    assert (compiled == expected).all()
    assert (plain == expected).all()


@pytest.mark.parametrize("block", [0, 2**24 - 257, 2**24 - 256, 2**26, 2**28])
def test_noise_of_large_images_does_not_run_into_the_next_op(block: int) -> None:
    key, epoch, seed = (np.uint64(number) for number in (2**32 + 5, 3, 2**63 + 1))
    first = (np.uint64(7) << np.uint64(24)) + np.uint64(256)
    counted = 256 + block
    counter = (5, 1 + ((counted >> 24) << 16), 3, (7 << 24) + counted % 2**24)
    c0, c1, c2, c3 = (np.uint64(word) for word in counter)
    expected = draws.philox(c0, c1, c2, c3, np.uint64(1), np.uint64(2**31))
    assert philox.noise(key, epoch, seed, first, block) == expected


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_an_order_is_a_permutation(count: int) -> None:
    order = shuffled(count, 3, 0)
    assert sorted(order.tolist()) == list(range(count))


@pytest.mark.parametrize("kinds", [1, 7, 2**62 - 1])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 1000, 4097])
def test_random_bits_are_sorted_and_equal_ones_keep_their_order(count: int, kinds: int) -> None:
    keys = np.random.default_rng(count).integers(0, kinds, count, np.uint64, endpoint=True)
    places = philox.places_in_order(keys * np.uint64((2**62 - 1) // kinds))
    assert places.tolist() == np.argsort(keys, kind="stable").tolist()


def test_orders_differ_by_epoch_and_seed_and_by_nothing_else() -> None:
    orders = {
        tuple(shuffled(50, epoch, seed).tolist())
        for epoch in range(3)
        for seed in range(3)
        for _ in range(2)
    }
    assert len(orders) == 9


def test_every_place_is_equally_likely() -> None:
    where = np.array([shuffled(6, e, 1) for e in range(6000)])
    for place in range(6):
        counts = np.bincount(where[:, place], minlength=6)
        assert np.abs(counts - 1000).max() < 130  # four and a half deviations


def test_without_compilation_the_kernels_do_the_same() -> None:
    # The off switch for debugging: plain Python, a fraction of the speed, the same bytes.
    program = (
        "import numpy as np, hashlib, warnings; warnings.simplefilter('ignore');"
        "from cifar10_aug.recipes.recipe import Recipe;"
        "images = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 3), dtype=np.uint8);"
        "names = ['rotate+erase_p1_fillnoise', 'rotate_fillmodereflect+crop4', 'standard+rescale',"
        " 'colorjitter+sharpness+noise+blur', 'randaugment+elastic+perspective_p1+mixup+cutmix_p1',"
        " 'augmix+corruptfog+corruptsnow+corruptglassblur+corruptzoomblur+corruptpixelate3+jpeg',"
        " 'corruptshotnoise+corruptimpulsenoise+corruptdefocusblur+corruptmotionblur',"
        " 'corruptfrost+corruptbrightness+corruptcontrast',"
        " 'channelshift+equalize_p1+autocontrast_p1+solarize+rgbshift+channelshuffle+saltpepper'];"
        "print([hashlib.sha256(Recipe.parse(n)(images)).hexdigest() for n in names])"
    )
    outputs = {
        programs.python("-c", program, env={"NUMBA_DISABLE_JIT": disabled}).stdout
        for disabled in ("0", "1")
    }
    assert len(outputs) == 1


def said_by_rotating(cache: Path) -> str:
    """What a program says whose user has this cache."""
    program = (
        "import sys, numpy as np; from cifar10_aug import Recipe;"
        "images = np.zeros((2, 32, 32, 3), np.uint8);"
        "[Recipe.parse('rotate+erase')(images) for _ in range(2)];"
        # It takes a while, and is needed by others' functions alone, which find it.
        "assert 'scipy.linalg' not in sys.modules;"
        "import numba; one = np.eye(2);"
        "assert (numba.njit(lambda a, b: np.dot(a, b))(one, one) == one).all()"
    )
    env = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": str(cache)}
    return programs.python("-c", program, env=env).stderr


@pytest.mark.slow
def test_the_first_call_ever_compiles_what_it_needs_for_the_user(tmp_path: Path) -> None:
    def kernels(folder: Path) -> set[Path]:
        return set(folder.rglob("*.nb[ci]"))

    package = Path(render.__file__).parents[3]
    before = kernels(package)
    said = said_by_rotating(tmp_path)
    assert said.count("compiling for this machine; this takes some seconds, once\n") == 1
    assert "compiling" not in said_by_rotating(tmp_path)
    assert kernels(package) == before
    compiled = {path.name.split("-")[0] for path in tmp_path.rglob("*.nbi")}
    assert compiled == {
        *("draws.philox", "philox.draw_words", "render._pack", "render.render"),
        *("painting._paint_box", "resampling.interpolate_near", "resampling._blend"),
        *("series.horner", "writing.write_levels"),
    }


def test_users_own_compiled_functions_are_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    space: dict = {"__name__": None}
    exec("def plus(x): return x + 1", space)
    assert numba.njit(space["plus"])(1) == 2
    assert "compiling" not in capfd.readouterr().err
