import dataclasses
import decimal
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar10_aug.ops import OPS
from cifar10_aug.ops.boxes import Cutout
from cifar10_aug.ops.fields import (
    ChoiceField,
    Field,
    FieldError,
    Interval,
    IntervalField,
    NumberField,
    PlainNumberField,
    around_one,
    attributes_of,
    fields_of,
    normalise_number,
    option,
    show_number,
    symmetric,
)
from cifar10_aug.ops.geometry import Rotate
from cifar10_aug.ops.values import Rescale

DEGREES = IntervalField((-30.0, 30.0), high=180, single=symmetric)
FACTOR = IntervalField((0.5, 1.5), low=0.1, high=10, single=around_one)
AREA = IntervalField((0.02, 0.4))
LEVEL = NumberField(0, high=255, whole=True)
FILL = ChoiceField("random", words=("random", "mean"), number=LEVEL)
WORD = ChoiceField("a", words=("a", "b"))
SIZE = IntervalField((38.0, 60.0), low=32, high=64, whole=True)
PLAIN, PLAIN_WHOLE = PlainNumberField(0.5), PlainNumberField(3)


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
        (LEVEL, "0", 0),
        (SIZE, "32-64", (32.0, 64.0)),
        (SIZE, "40", (40.0, 40.0)),
        (AREA, "0.3-0.3", (0.3, 0.3)),
        (DEGREES, "0-180", (0.0, 180.0)),
        (FILL, "mean", "mean"),
        (FILL, "7", 7),
        (WORD, "b", "b"),
        (PLAIN, "1000000.50", 1000000.5),
        (DEGREES, f"{180 / 7}", (-180 / 7, 180 / 7)),
        (DEGREES, f"{100 / 7}-{180 / 7}", (100 / 7, 180 / 7)),
        (AREA, f"{1 / 30000}", (1 / 30000, 1 / 30000)),
        (AREA, f"{1 / 30000}-{1 / 3000}", (1 / 30000, 1 / 3000)),
        (PLAIN, f"{1 / 3}", 1 / 3),
        (PLAIN_WHOLE, "4", 4),
        (PLAIN_WHOLE, "4.5", 4.5),
    ],
)
def test_text_becomes_a_value(field: Field, text: str, value: object) -> None:
    assert field.parse(text) == value
    assert type(field.parse(text)) is type(value)


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        (DEGREES, "181", "out of range"),
        (DEGREES, "20-10", "the low end comes first"),
        (DEGREES, "10-", "not a number or a range"),
        (DEGREES, "-10", "not a number or a range"),
        (DEGREES, "1e3", "not a number or a range"),
        (DEGREES, "1e+3", "not a number or a range"),
        (DEGREES, "٣٠", "not a number or a range"),
        (DEGREES, f"0.{'1' * 39}", "numbers have at most 40 characters"),
        (AREA, "1e-40", "numbers have at most 40 characters"),
        (AREA, "1e-05-", "not a number or a range"),
        (FACTOR, "2", "out of range"),
        (AREA, "1.1", "out of range"),
        (SIZE, "38.5", "not whole"),
        (SIZE, "38-39.5", "not whole"),
        (SIZE, "31-40", "out of range"),
        (SIZE, "40-65", "out of range"),
        (PLAIN, "-1", "not a number"),
        (PLAIN, "1e3", "not a number"),
        (LEVEL, "1.5", "out of range"),
        (LEVEL, "256", "out of range"),
        (LEVEL, "x", "not a number"),
        (FILL, "red", "not a number"),
        (WORD, "c", "not one of the choices"),
    ],
)
def test_other_text_is_an_error_that_says_why(field: Field, text: str, reason: str) -> None:
    with pytest.raises(FieldError, match=f"^{reason}$"):
        field.parse(text)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (DEGREES, "n or low-high, numbers from 0 to 180 (n stands for -n to n)"),
        (FACTOR, "n from 0 to 0.9 (n stands for 1-n to 1+n) or low-high, numbers from 0.1 to 10"),
        (LEVEL, "a whole number from 0 to 255"),
        (NumberField(0.5), "a number from 0 to 1"),
        (SIZE, "n or low-high, whole numbers from 32 to 64 (n stands for n alone)"),
        (PLAIN, "a number from 0"),
        (WORD, "a | b"),
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
        (AREA, (-0.2, 0.2), "-0.2-0.2"),
        (FILL, "random", "random"),
        (FILL, 7, "7"),
        (LEVEL, 30, "30"),
        (PLAIN, 0.50, "0.5"),
    ],
)
def test_values_are_shown_as_they_are_spelled(field: Field, value: object, shown: str) -> None:
    assert field.show(value) == shown


@pytest.mark.parametrize(
    ("field", "text", "normal"),
    [
        (LEVEL, "007", "7"),
        (DEGREES, "05.0-10.50", "5-10.5"),
        (FILL, "mean", "mean"),
        (FILL, "007", "7"),
        (PLAIN, "0.50", "0.5"),
    ],
)
def test_the_numbers_of_a_value_are_normalised(field: Field, text: str, normal: str) -> None:
    assert field.normalise(text) == normal


def test_attributes_that_ops_inherit_come_last() -> None:
    assert attributes_of(Rotate) == {
        "degrees": "degrees",
        "fillmode": "fill_mode",
        "cval": "cval",
        "p": "p",
    }
    assert list(fields_of(Rotate)) == ["degrees", "fillmode", "cval", "p"]
    assert list(fields_of(Cutout)) == ["size", "holes", "inside", "fill", "p"]
    assert list(fields_of(Rescale)) == []
    assert fields_of(Rotate)["degrees"].unit == "degrees"


def test_an_option_is_an_attribute_with_its_field() -> None:
    @dataclasses.dataclass
    class Made:
        level: int = option(LEVEL)
        degrees: Interval = option(DEGREES, kw_only=True)

    assert Made() == Made(0, degrees=(-30.0, 30.0))
    level, degrees = dataclasses.fields(Made)
    assert (level.kw_only, degrees.kw_only) == (False, True)
    assert (level.metadata["field"], degrees.metadata["field"]) == (LEVEL, DEGREES)


def test_the_numbers_that_a_field_names_are_those_that_it_takes() -> None:
    for field in {f for op in OPS.values() for f in fields_of(op).values()}:
        named = re.match("n from ([0-9.]+) to ([0-9.]+) ", field.allowed())
        if named is None:
            continue
        for end in named.groups():
            field.parse(end)
        with pytest.raises(FieldError, match=r"^out of range$"):
            field.parse(f"{named[2]}1" if "." in named[2] else f"{named[2]}.1")
