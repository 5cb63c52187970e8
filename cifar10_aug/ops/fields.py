"""The kinds of value an op's field can hold: how each is spelled, checked and shown.

A field is declared once, as a dataclass attribute of its op:

    degrees: Interval = option(IntervalField((-30, 30), unit="degrees", ...))

The parser, `cifar10-aug list` and the tests all read that one declaration.
"""

from __future__ import annotations

import abc
import dataclasses
import decimal
import re
from collections.abc import Callable
from typing import Any

Interval = tuple[float, float]

# ASCII digits only: `\d` would also match the digits of other scripts.
# A small exponent is how Python shows a float below 0.0001.
NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:e-[0-9]{1,2})?"
# Enough for any float that Python has computed, down to 1e-20.
_LONGEST_NUMBER = 40
# Not the thread's context, which users may set to round.
_EXACT = decimal.Context(prec=40, traps=[])


class FieldError(ValueError):
    """A value that the field does not take; the message says what it does take."""


def normalise_number(text: str) -> str:
    """The shortest plain decimal for `text`: "030.50" becomes "30.5", and "5e-05" "0.00005"."""
    # An exponent makes few characters many.
    if len(text) <= _LONGEST_NUMBER:
        number = format(decimal.Decimal(text).normalize(_EXACT), "f")
        if len(number) <= _LONGEST_NUMBER:
            return number
    raise FieldError(f"numbers have at most {_LONGEST_NUMBER} characters")


def show_number(value: float) -> str:
    """`value` as the grammar spells it: 30.0 becomes "30"."""
    return format(decimal.Decimal(repr(value)).normalize(_EXACT), "f")


@dataclasses.dataclass(frozen=True)
class Field(abc.ABC):
    """What every kind of field knows.

    Attributes:
        default: the value when the recipe does not name the field.
        unit: what the numbers count, for `cifar10-aug list`; "" if nothing.
        about: one line for users.
    """

    default: Any
    unit: str = ""
    about: str = ""

    @abc.abstractmethod
    def parse(self, text: str) -> Any:
        """The value spelled by `text`, or a `FieldError`."""

    @abc.abstractmethod
    def normalise(self, text: str) -> str:
        """`text`, already accepted by `parse`, with its numbers normalised."""

    @abc.abstractmethod
    def allowed(self) -> str:
        """What `parse` takes, in words that fit after "takes"."""

    @abc.abstractmethod
    def show(self, value: Any) -> str:
        """`value` in the grammar's spelling."""


def _within(value: float, low: float, high: float) -> bool:
    return low <= value <= high


@dataclasses.dataclass(frozen=True)
class NumberField(Field):
    """One number between `low` and `high`, both included."""

    low: float = 0.0
    high: float = 1.0
    whole: bool = False

    def parse(self, text: str) -> float:
        if not re.fullmatch(NUMBER, text):
            raise FieldError("not a number")
        value = float(normalise_number(text))
        if not _within(value, self.low, self.high) or (self.whole and value != int(value)):
            raise FieldError("out of range")
        return int(value) if self.whole else value

    def normalise(self, text: str) -> str:
        return normalise_number(text)

    def allowed(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {show_number(self.low)} to {show_number(self.high)}"

    def show(self, value: float) -> str:
        return show_number(value)


@dataclasses.dataclass(frozen=True)
class PlainNumberField(Field):
    """A number with no limits but those of the grammar, which has no sign."""

    def parse(self, text: str) -> float:
        if not re.fullmatch(NUMBER, text):
            raise FieldError("not a number")
        value = float(normalise_number(text))
        return int(value) if isinstance(self.default, int) and value == int(value) else value

    def normalise(self, text: str) -> str:
        return normalise_number(text)

    def allowed(self) -> str:
        return "a number from 0"

    def show(self, value: float) -> str:
        return show_number(value)


def symmetric(value: float) -> Interval:
    """30 means -30 to 30."""
    return (-value, value)


def around_one(value: float) -> Interval:
    """0.2 means 0.8 to 1.2, as in Keras's `zoom_range`."""
    # In decimals: in floats, 1 - 0.9 is less than 0.1.
    number = decimal.Decimal(repr(value))
    return float(_EXACT.subtract(1, number)), float(_EXACT.add(1, number))


def fixed(value: float) -> Interval:
    """0.2 means 0.2 and nothing else."""
    return (value, value)


@dataclasses.dataclass(frozen=True)
class IntervalField(Field):
    """A range that values are drawn from, both ends included: `low-high`, or one number.

    Attributes:
        low, high: the bounds that both ends must keep to.
        single: what a single number means.
        whole: whether both ends are whole numbers.
    """

    low: float = 0.0
    high: float = 1.0
    single: Callable[[float], Interval] = fixed
    whole: bool = False

    def parse(self, text: str) -> Interval:
        if not re.fullmatch(f"{NUMBER}(?:-{NUMBER})?", text):
            raise FieldError("not a number or a range")
        ends = [float(normalise_number(end)) for end in re.findall(NUMBER, text)]
        if self.whole and any(end != int(end) for end in ends):
            raise FieldError("not whole")
        if len(ends) == 2 and ends[0] > ends[1]:
            raise FieldError("the low end comes first")
        interval = (ends[0], ends[1]) if len(ends) == 2 else self.single(ends[0])
        if not all(_within(end, self._floor, self.high) for end in interval):
            raise FieldError("out of range")
        return interval

    @property
    def _floor(self) -> float:
        return -self.high if self.single is symmetric else self.low

    def normalise(self, text: str) -> str:
        return "-".join(normalise_number(end) for end in re.findall(NUMBER, text))

    def allowed(self) -> str:
        kind = "whole numbers" if self.whole else "numbers"
        meanings: dict[Callable[[float], Interval], str] = {
            symmetric: "n stands for -n to n",
            around_one: "n stands for 1-n to 1+n",
            fixed: "n stands for n alone",
        }
        bounds = f"{show_number(self.low)} to {show_number(self.high)}"
        if self.single is around_one:
            most = show_number(min(around_one(self.low)[0], -around_one(self.high)[0]))
            return f"n from 0 to {most} ({meanings[self.single]}) or low-high, {kind} from {bounds}"
        return f"n or low-high, {kind} from {bounds} ({meanings[self.single]})"

    def show(self, value: Interval | None) -> str:
        if value is None:
            return "off"
        if self.single is symmetric and value[0] == -value[1]:
            return show_number(value[1])
        return f"{show_number(value[0])}-{show_number(value[1])}"


@dataclasses.dataclass(frozen=True)
class ChoiceField(Field):
    """One of some words, or, where `number` is given, a number."""

    words: tuple[str, ...] = ()
    number: NumberField | None = None

    def parse(self, text: str) -> str | float:
        if text in self.words:
            return text
        if self.number is None:
            raise FieldError("not one of the choices")
        return self.number.parse(text)

    def normalise(self, text: str) -> str:
        return text if text in self.words else normalise_number(text)

    def allowed(self) -> str:
        words = " | ".join(self.words)
        return f"{words} | {self.number.allowed()}" if self.number else words

    def show(self, value: str | float) -> str:
        return value if isinstance(value, str) else show_number(value)


# All ops have this field, but for those that declare another p.
EVERY_OPS_P = NumberField(1, unit="probability", about="how often")


def option(field: Field, *, kw_only: bool = False) -> Any:
    """Declares an op's dataclass attribute with its field.

    Args:
        field: the field.
        kw_only: True for attributes that several ops inherit, which then follow the op's own.
    """
    return dataclasses.field(default=field.default, metadata={"field": field}, kw_only=kw_only)


def attributes_of(op_class: type) -> dict[str, str]:
    """The attribute that each field sets, by the field's spelling, the main field first.

    Separators are not spelled in the grammar: the field of `fill_mode` is `fillmode`. A function of
    the user's may have an argument p, which then is what p means.
    """
    attributes = [a for a in dataclasses.fields(op_class) if a.name != "p" or not a.kw_only]
    declared = sorted(attributes, key=lambda attribute: bool(attribute.kw_only))
    spelled = {a.name.replace("_", ""): a.name for a in declared}
    # All pixels have one range of numbers, so ops that set it are done to all examples.
    if not op_class.value_range:  # type: ignore[attr-defined]
        spelled.setdefault("p", "p")
    return spelled


def main_field(op_class: type) -> str | None:
    """The field that the number right after the name sets: the first of the op's own."""
    own = (a for a in dataclasses.fields(op_class) if a.metadata.get("field") is not EVERY_OPS_P)
    names = {a.name for a in own}
    spelled = attributes_of(op_class).items()
    return next((field for field, attribute in spelled if attribute in names), None)


def fields_of(op_class: type) -> dict[str, Field]:
    """The op's fields by their spelling, the main one first."""
    by_attribute = {a.name: a.metadata["field"] for a in dataclasses.fields(op_class)}
    return {
        spelling: by_attribute[attribute] for spelling, attribute in attributes_of(op_class).items()
    }
