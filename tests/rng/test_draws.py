import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cifar10_aug.engines.numba.kernels.philox import draw_words, philox
from cifar10_aug.rng import draws, elementary
from cifar10_aug.rng.draws import Draws, GivenDraws

# The known-answer vectors that the authors of Random123 publish with it (kat_vectors,
# philox4x32 with 10 rounds): counter, key, result.
KNOWN_ANSWERS = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize("generator", [draws.philox, philox], ids=["numpy", "compiled"])
@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(
    generator: Any, counter: tuple[int, ...], key: tuple[int, ...], answer: tuple[int, ...]
) -> None:
    words = generator(*(np.uint64(word) for word in counter + key))
    assert tuple(int(word) for word in words) == answer


def words_of(
    ids: list[int], epoch: int = 0, seed: int = 0, slots: tuple[int, ...] = (6, 1), at: int = 0
) -> np.ndarray:
    words = np.empty((sum(slots), len(ids)), np.uint32)
    draw_words(
        draws.example_keys(ids),
        np.full(len(slots), epoch, np.uint64),
        np.uint64(seed),
        np.arange(at, at + len(slots), dtype=np.uint64) << np.uint64(24),
        np.array(slots),
        words,
    )
    return words


def test_compiled_words_are_philox_at_the_documented_counter() -> None:
    key = draws.example_keys([7], "test")
    assert key[0] == (1 << 32) | 7
    words = np.empty((6, 1), np.uint32)
    draw_words(
        key,
        np.array([3], np.uint64),
        np.uint64((9 << 32) | 5),
        np.array([2 << 24], np.uint64),
        np.array([6]),
        words,
    )
    expected = [
        int(word)
        for block in range(2)
        for word in draws.philox(*(np.uint64(v) for v in (7, 1, 3, (2 << 24) | block, 5, 9)))
    ]
    assert words[:, 0].tolist() == expected[:6]


def test_every_part_of_the_key_matters() -> None:
    base = words_of([5])
    for other in (words_of([6]), words_of([5], epoch=1), words_of([5], seed=1)):
        assert (base != other).all()
    assert (base != words_of([5], seed=1 << 40)).all()
    assert (base != words_of([5], at=1)).all()


def test_nothing_but_the_key_matters() -> None:
    together = words_of(list(range(100)))
    backwards = words_of(list(range(99, -1, -1)))
    assert (together == backwards[:, ::-1]).all()
    assert (together[:, 40:41] == words_of([40])).all()


def test_splits_have_different_keys() -> None:
    train, test = draws.example_keys([1, 2]), draws.example_keys([1, 2], "test")
    assert not set(train.tolist()) & set(test.tolist())


def drawn(words: list[int]) -> Draws:
    return Draws(np.array([words], np.uint32))


TOP = 2**32 - 1


def test_uniform_reaches_both_ends() -> None:
    assert drawn([0, TOP]).uniform(0, -30.0, 30.0).tolist() == [-30.0, 30.0]


def test_integers_reach_both_ends_and_no_further() -> None:
    assert drawn([0, TOP]).integers(0, -4, 4).tolist() == [-4, 4]


def test_integers_are_equally_likely() -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**32, 90_000, dtype=np.uint32)
    counts = np.bincount(Draws(words[None]).integers(0, 0, 8), minlength=9)
    assert np.abs(counts - 10_000).max() < 400  # four deviations


def test_integers_take_a_bound_for_each_example() -> None:
    high = np.array([0, 10, 20])
    assert drawn([TOP, TOP, TOP]).integers(0, 0, high).tolist() == [0, 10, 20]


def test_chance_zero_is_never_and_chance_one_is_always() -> None:
    assert drawn([0, TOP]).chance(0, 0.0).tolist() == [False, False]
    assert drawn([0, TOP]).chance(0, 1.0).tolist() == [True, True]
    assert drawn([2**31 - 1, 2**31]).chance(0, 0.5).tolist() == [True, False]


def test_log_uniform_is_uniform_in_the_logarithm() -> None:
    middle = drawn([0, 2**31, TOP]).log_uniform(0, np.log(0.25), np.log(4.0))
    np.testing.assert_allclose(middle, [0.25, 1.0, 4.0], rtol=1e-9)


def test_whole_rounds_halves_to_even() -> None:
    assert Draws.whole(np.array([0.5, 1.5, 2.4, -0.5])).tolist() == [0, 2, 2, 0]


def test_given_draws_are_what_is_given() -> None:
    given = GivenDraws(np.array([0.5, 1.5, 7.0]), epoch=9)
    assert given.epoch == 9
    assert GivenDraws(np.zeros(1)).epoch == 0
    assert given.uniform(3, -1.0, 1.0).tolist() == [0.5, 1.5, 7.0]
    assert given.integers(3, 0, 1).tolist() == [0, 2, 7]
    assert given.integers(3, 0, 1).dtype == np.int64
    assert given.chance(3, 0.0).tolist() == [True, True, True]
    assert given.chance(3, 0.0).dtype == bool
    with pytest.raises(IndexError):
        given.unit(0)


def test_unit_is_in_exact_steps() -> None:
    assert drawn([0, 1, TOP - 1, TOP]).unit(0).tolist() == [0, 1 / TOP, (TOP - 1) / TOP, 1]


def test_what_is_named_is_logged_and_handed_back() -> None:
    draw = drawn([0])
    assert draw.epoch == 0
    assert draw.name("degrees", 7) == 7
    assert draw.named == {"degrees": 7}


def test_formulas_have_numpys_functions() -> None:
    assert Draws.take((5.0, 7.0), np.array([1, 0, 1])).tolist() == [7, 5, 7]
    assert Draws.real(np.array([3])).dtype == np.float64
    assert Draws.truncated(np.array([1.9, -1.9])).tolist() == [1, -1]
    assert Draws.whole(np.array([1.0])).dtype == np.int64
    assert Draws.where(np.array([True, False]), 1, 2).tolist() == [1, 2]
    assert (Draws.minimum(3, 4), Draws.maximum(3, 4), Draws.sqrt(9.0)) == (3, 4, 3)
    assert Draws.quotient(1.0, 49.0) == 1 / 49


def test_beta_is_exact_where_its_words_are_least_and_greatest() -> None:
    least, greatest = np.zeros((5, 1), np.uint32), np.full((5, 1), TOP, np.uint32)
    for words in (least, greatest):
        for alpha in (0.01, 1.0, 100.0):
            assert 0 <= Draws(words).beta(1, alpha)[0] <= 1
    # No odds are longer than these.
    words = np.array([[TOP], [0], [TOP], [TOP]], np.uint32)
    assert Draws(words).beta(0, 0.01)[0] == pytest.approx(math.exp(-600), rel=1e-9)
    # All of the odds are the second word's: ln 2**-33, over alpha.
    odds = 2.0**-33
    assert Draws(words).beta(0, 1.0)[0] == pytest.approx(odds / (1 + odds), rel=1e-9)


def test_normal_is_normal() -> None:
    words = words_of(list(range(50_000)), slots=(3, 2))
    one, other = (Draws(words[first : first + 2]).normal(0) for first in (1, 3))
    for values in (one, other):
        assert stats.kstest(values, stats.norm.cdf).pvalue > 0.001
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_normal_is_the_formula_of_box_and_muller() -> None:
    first, second = [0, 5, 2**31, TOP], [0, 2**30, 2**31 + 99, TOP]
    found = Draws(np.array([[7] * 4, first, second], np.uint32)).normal(1)
    for one, two, ours in zip(first, second, found, strict=True):
        unit = max(one / TOP, 2.0**-33)
        expected = math.sqrt(-2 * math.log(unit)) * math.cos(2 * math.pi * two / TOP)
        assert ours == pytest.approx(expected, abs=1e-9)
    assert found[0] == pytest.approx(6.7637, abs=1e-4)


def test_formulas_use_the_functions_of_the_array_library() -> None:
    used: list[Any] = []

    def noted(function: Any) -> Any:
        def noting(*args: Any) -> Any:
            used.append(function)
            return function(*args)

        return noting

    class Other(Draws):
        functions = elementary.Functions(*(noted(function) for function in elementary.NUMPY))

    other = Other(np.empty((0, 1), np.uint32))
    for formula in (other.sine_cosine, other.exponential, other.logarithm):
        formula(np.array([1.5]))
        assert used
        used.clear()
