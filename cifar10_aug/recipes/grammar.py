"""Text to ops: what `op+op+…` means, and what is wrong with it if it means nothing.

    recipe  := "plain" | step { "+" step }
    step    := op { "-or-" op }
    op      := NAME [ NUM [ "-" NUM ] ] { "_" FIELD VALUE }

NAME is an op or a preset, the longest that fits. This is the only parser; `views.parse` calls it,
and `Recipe.parse` calls that.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable
from typing import Any

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import OPS, Op, PythonOp
from cifar10_aug.ops.compound import OneOf, SampleMixOp, flattened
from cifar10_aug.ops.fields import Field, FieldError, attributes_of, fields_of, main_field
from cifar10_aug.recipes.presets import NAMED
from cifar10_aug.rng.draws import MOST_OPS

# A config name can become a folder's name, and those end at 255 bytes.
LONGEST_NAME = 200
MOST_MIXES = 2
_OR = "-or-"

_WORD = re.compile("[a-z]*")


def check_text(name: str) -> None:
    """Raises a `RecipeError` if something cannot be a name, whatever it spells."""
    if not isinstance(name, str):
        raise RecipeError(
            f"the recipe is of type {type(name).__name__}; write it as a str, for example "
            "'rotate30+erase'"
        )
    if not name:
        raise RecipeError("the recipe is empty; write op+op, for example rotate30+erase")
    if len(name) > LONGEST_NAME:
        raise RecipeError(
            f"the recipe has {len(name)} characters; {LONGEST_NAME} are allowed, "
            "so leave out what is a default"
        )


def parse(recipe: str, name: str) -> tuple[str, tuple[Op, ...]]:
    """The normalised spelling of a recipe, and its ops, presets spelled out.

    Args:
        recipe: the text.
        name: what it is a part of, or all of, for errors.

    Raises:
        RecipeError: naming what was wrong, what is allowed and the closest match.
    """
    if recipe == "plain":
        return recipe, ()
    tokens, ops = [], []
    for token in recipe.split("+"):
        spelling, meant = _parse_step(token, name)
        tokens.append(spelling)
        ops.extend(meant)
    _check_ops(ops, recipe)
    return "+".join(tokens), tuple(ops)


def spelled(op: Op) -> str:
    """`op` as a recipe spells it, without what is a default."""
    if isinstance(op, OneOf):
        return _OR.join(map(spelled, op.ops))
    fields, attributes = fields_of(type(op)), attributes_of(type(op))
    values = {name: getattr(op, attributes[name]) for name in fields}
    given = {name: value for name, value in values.items() if value != fields[name].default}
    return "_".join([op.name, *(f"{name}{fields[name].show(v)}" for name, v in given.items())])


def quote(text: str) -> str:
    """`text` for an error message: on one line and not endless."""
    shown = repr(text)
    return shown if len(shown) <= 80 else f"{shown[:60]}…{shown[-10:]}"


def closest(word: str, words: Iterable[str], most: int = 1) -> str:
    """A clause that suggests the most similar words, or "" if none is similar."""
    found = difflib.get_close_matches(word, list(words), n=most, cutoff=0.5)
    listed = " or ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
    return f" Did you mean {listed}?" if found else ""


def _parse_step(step: str, recipe: str) -> tuple[str, list[Op]]:
    """The normalised spelling of a step, and the ops it means."""
    if _OR not in step:
        return _parse_token(step, recipe)
    where = _where(step, recipe)
    spellings, choices = [], []
    for token in step.split(_OR):
        spelling, meant = _parse_token(token, recipe)
        if len(meant) != 1:
            raise RecipeError(
                f"{where}: {spelling} is {len(meant)} ops, and a choice is among single ones; name "
                f"one op in its place, or put {spelling} before or after the choice, with +"
            )
        (op,) = meant
        if op.value_range:
            raise RecipeError(
                f"{where}: {op.name} sets the range of the pixels, which all images have in "
                "common; put it after the choice, with +"
            )
        spellings.append(spelling)
        choices.append(op)
    return _OR.join(spellings), [OneOf(tuple(choices))]


def _where(token: str, recipe: str) -> str:
    return quote(token) if token == recipe else f"{quote(token)} in recipe {quote(recipe)}"


def _parse_token(token: str, recipe: str) -> tuple[str, list[Op]]:
    """The normalised spelling of one token, and the ops it means."""
    where = _where(token, recipe)
    name = _name_in(token, where)
    if name in NAMED:
        return _preset(name, token, where)
    main, *assignments = token[len(name) :].split("_")
    op_class = OPS[name]
    fields = fields_of(op_class)
    values: dict[str, Any] = {}
    spelling = name
    if main:
        first = main_field(op_class)
        if first is None:
            raise RecipeError(f"{where}: {name} takes no number; write {name}")
        values[first] = _value(fields[first], main, f"{where}: {first}")
        spelling += fields[first].normalise(main)
    for assignment in assignments:
        field, text = _split_assignment(assignment, name, fields, where)
        if field in values:
            raise RecipeError(f"{where}: {field} is given twice; give it once")
        values[field] = _value(fields[field], text, f"{where}: {field}")
        spelling += f"_{field}{fields[field].normalise(text)}"
    return spelling, [_make_op(op_class, values, where)]


def _name_in(token: str, where: str) -> str:
    """The name of the op or preset that a token begins with."""
    known = sorted({*OPS, *NAMED})
    # A name goes on with letters, and, if it ends with a digit, with digits.
    fitting = [
        name
        for name in known
        if re.match(f"{name}(?![a-z{'0-9' if name[-1].isdigit() else ''}])", token)
    ]
    if fitting:
        return max(fitting, key=len)
    word = _WORD.match(token)[0]  # type: ignore[index]
    if not word:
        raise RecipeError(
            f"{where}: an op starts with its name in lower-case letters, "
            f"for example rotate30; cifar10-aug list shows all of them"
        )
    raise RecipeError(
        f"{where}: there is no op {quote(word)}.{closest(word, known, 3)} "
        "cifar10-aug list shows all ops and presets. A function of your own is "
        f"registered first, in every process: cifar10_aug.register({quote(word)}, function), "
        "or --imports MODULE on the command line"
    )


def _preset(name: str, token: str, where: str) -> tuple[str, list[Op]]:
    if name == "plain":
        raise RecipeError(f"{where}: plain stands alone; leave it out or write nothing else")
    if token != name:
        raise RecipeError(
            f"{where}: the preset {name} takes no fields; "
            f"spell it out as {NAMED[name].recipe} to change them"
        )
    return name, list(parse(NAMED[name].recipe, name)[1])


def _split_assignment(
    assignment: str, name: str, fields: dict[str, Field], where: str
) -> tuple[str, str]:
    """The field that an assignment such as "area0.02-0.4" sets, and the value's text."""
    for field in sorted(fields, key=len, reverse=True):
        if assignment.startswith(field) and len(assignment) > len(field):
            return field, assignment[len(field) :]
    if not fields:
        raise RecipeError(f"{where}: {name} has no fields; write {name}")
    if assignment in fields:
        raise RecipeError(
            f"{where}: {assignment} has no value; it takes {fields[assignment].allowed()}"
        )
    word = _WORD.match(assignment)[0]  # type: ignore[index]
    raise RecipeError(
        f"{where}: {name} has no field {quote(word or assignment)}.{closest(word, fields)} "
        f"Its fields are {', '.join(fields)}"
    )


def _value(field: Field, text: str, where: str) -> Any:
    try:
        return field.parse(text)
    except FieldError as error:
        raise RecipeError(
            f"{where} is {quote(text)}: {error}; it takes {field.allowed()}"
        ) from None


def _make_op(op_class: type[Op], values: dict[str, Any], where: str) -> Op:
    for group in op_class.exclusive:
        if all(field in values for field in group):
            raise RecipeError(
                f"{where}: {', '.join(group)} exclude each other; leave out {group[0]}"
            )
    attributes = attributes_of(op_class)
    try:
        return op_class(**{attributes[field]: value for field, value in values.items()})
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None


def _check_ops(ops: list[Op], recipe: str) -> None:
    if len(ops) > MOST_OPS:
        raise RecipeError(
            f"recipe {quote(recipe)} has {len(ops)} ops; at most {MOST_OPS} are allowed"
        )
    mixes = [
        spelled(op) for op in ops if any(isinstance(one, SampleMixOp) for one in flattened([op]))
    ]
    if len(mixes) > MOST_MIXES:
        raise RecipeError(
            f"recipe {quote(recipe)} mixes examples {len(mixes)} times ({', '.join(mixes)}); "
            f"at most {MOST_MIXES} are allowed, since each doubles the work"
        )
    ranges = [op.name for op in ops if op.value_range]
    if len(ranges) > 1:
        raise RecipeError(
            f"recipe {quote(recipe)}: {' and '.join(ranges)} both set the range of the pixels; "
            f"keep one of them"
        )
    for op, following in itertools.pairwise(ops):
        if isinstance(op, PythonOp) and op.value_range:
            raise RecipeError(
                f"recipe {quote(recipe)}: {op.name} returns {op.output}, and {following.name} "
                f"after it takes uint8; put {op.name} at the end"
            )
