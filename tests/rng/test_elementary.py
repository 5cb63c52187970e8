import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cifar10_aug.rng import elementary

ANGLES = st.floats(-1e4, 1e4)


@given(ANGLES)
def test_sine_and_cosine_are_those_of_the_library(degrees: float) -> None:
    sine, cosine = elementary.sine_cosine(np.array([degrees]))
    exact = math.fmod(degrees, 360.0)
    assert abs(sine[0] - math.sin(math.radians(exact))) < 2e-15
    assert abs(cosine[0] - math.cos(math.radians(exact))) < 2e-15


def test_quarter_turns_are_exact() -> None:
    sine, cosine = elementary.sine_cosine(np.array([-180.0, -90.0, 0.0, 90.0, 180.0, 270.0]))
    assert sine.tolist() == [0, -1, 0, 1, 0, -1]
    assert cosine.tolist() == [-1, 0, 1, 0, -1, 0]


@given(st.floats(-600, 600))
def test_exponential_is_that_of_the_library(x: float) -> None:
    assert math.isclose(elementary.exponential(np.array([x]))[0], math.exp(x), rel_tol=1e-15)


@given(st.floats(1e-300, 1e300))
def test_logarithm_is_that_of_the_library(x: float) -> None:
    ours = float(elementary.logarithm(np.array([x]))[0])
    assert math.isclose(ours, math.log(x), rel_tol=2e-15, abs_tol=2e-15)


def test_results_are_the_same_bits_everywhere() -> None:
    # Golden: these do not rest on any mathematical library.
    sine, cosine = elementary.sine_cosine(np.array([12.3456789]))
    assert (sine[0].hex(), cosine[0].hex()) == GOLDEN_SINE_COSINE
    assert elementary.exponential(np.array([1.2345]))[0].hex() == GOLDEN_EXPONENTIAL
    assert elementary.logarithm(np.array([123.45]))[0].hex() == GOLDEN_LOGARITHM


GOLDEN_SINE_COSINE = ("0x1.b5e1a1d1d87d2p-3", "0x1.f429040e72692p-1")
GOLDEN_EXPONENTIAL = "0x1.b7e47790da685p+1"
GOLDEN_LOGARITHM = "0x1.3436a91a6dcbap+2"
