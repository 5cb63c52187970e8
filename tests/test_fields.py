import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar10_aug.fields import (
    ChoiceField,
    Field,
    FieldError,
    IntervalField,
    NumberField,
    around_one,
    normalise_number,
    show_number,
    symmetric,
)

DEGREES = IntervalField((-30.0, 30.0), high=180, single=symmetric)
FACTOR = IntervalField((0.5, 1.5), low=0.1, high=10, single=around_one)
AREA = IntervalField((0.02, 0.4))
LEVEL = NumberField(0, high=255, whole=True)
FILL = ChoiceField("random", words=("random", "mean"), number=LEVEL)


@pytest.mark.parametrize(
    ("text", "normal"),
    [("30", "30"), ("30.0", "30"), ("030", "30"), ("0.50", "0.5"), ("0", "0"), ("100", "100")],
)
def test_numbers_are_normalised(text: str, normal: str) -> None:
    assert normalise_number(text) == normal


def test_numbers_do_not_depend_on_the_threads_decimal_context() -> None:
    with decimal.localcontext(decimal.Context(prec=2, traps=[decimal.Inexact, decimal.Rounded])):
        assert normalise_number("12.34560") == "12.3456"
        assert show_number(12.3456) == "12.3456"
        assert FACTOR.parse("0.123") == (0.877, 1.123)


@given(st.floats(0, 1e6))
def test_a_shown_number_is_the_number(value: float) -> None:
    assert float(show_number(value)) == value
    assert "e" not in show_number(value)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (DEGREES, "10", (-10.0, 10.0)),
        (DEGREES, "10-20", (10.0, 20.0)),
        (FACTOR, "0.2", (0.8, 1.2)),
        (FACTOR, "0.5-1.5", (0.5, 1.5)),
        # In floats, 1 - 0.9 is less than 0.1, and 1 - 0.7 is not 0.3.
        (FACTOR, "0.9", (0.1, 1.9)),
        (FACTOR, "0.7", (0.3, 1.7)),
        (AREA, "0.1", (0.1, 0.1)),
        (LEVEL, "255", 255),
        (FILL, "mean", "mean"),
        (FILL, "7", 7),
    ],
)
def test_text_becomes_a_value(field: Field, text: str, value: object) -> None:
    assert field.parse(text) == value


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        (DEGREES, "181", "out of range"),
        (DEGREES, "20-10", "the low end comes first"),
        (DEGREES, "10-", "not a number or a range"),
        (DEGREES, "-10", "not a number or a range"),
        (DEGREES, "1e3", "not a number or a range"),
        (DEGREES, "٣٠", "not a number or a range"),
        (DEGREES, "1234567890123", "numbers have at most 12 characters"),
        (FACTOR, "2", "out of range"),
        (AREA, "1.1", "out of range"),
        (IntervalField((38.0, 60.0), low=32, high=64, whole=True), "38.5", "not whole"),
        (LEVEL, "1.5", "out of range"),
        (LEVEL, "256", "out of range"),
        (LEVEL, "x", "not a number"),
        (FILL, "red", "not a number"),
        (ChoiceField("a", words=("a", "b")), "c", "not one of the choices"),
    ],
)
def test_other_text_is_an_error_that_says_why(field: Field, text: str, reason: str) -> None:
    with pytest.raises(FieldError, match=f"^{reason}$"):
        field.parse(text)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (DEGREES, "n or low-high, numbers from 0 to 180 (n stands for -n to n)"),
        (FACTOR, "n or low-high, numbers from 0.1 to 10 (n stands for 1-n to 1+n)"),
        (LEVEL, "a whole number from 0 to 255"),
        (FILL, "random | mean | a whole number from 0 to 255"),
    ],
)
def test_a_field_says_what_it_takes(field: Field, words: str) -> None:
    assert field.allowed() == words


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        (DEGREES, (-30.0, 30.0), "30"),
        (DEGREES, (10.0, 20.0), "10-20"),
        (FACTOR, (0.5, 1.5), "0.5-1.5"),
        (FACTOR, None, "off"),
        (FILL, "random", "random"),
    ],
)
def test_values_are_shown_as_they_are_spelled(field: Field, value: object, shown: str) -> None:
    assert field.show(value) == shown
