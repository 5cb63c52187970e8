"""Text to recipe and back: the grammar of config names.

    config  := recipe [ "-x" COPIES [ "-s" SEED ] ]
    recipe  := "plain" | op { "+" op }
    op      := NAME [ NUM [ "-" NUM ] ] { "_" FIELD VALUE }

NAME is an op or a preset. This is the only parser: the builder, the command line and Python use it.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cifar10_aug.draws import MOST_OPS, SEED_LIMIT
from cifar10_aug.errors import RecipeError
from cifar10_aug.fields import Field, FieldError, attributes_of, fields_of
from cifar10_aug.ops import OPS, Op, PythonOp
from cifar10_aug.ops.compositions import MixOp
from cifar10_aug.presets import NAMED

if TYPE_CHECKING:
    import numpy as np

# A config name can become a folder's name, and those end at 255 bytes.
LONGEST_NAME = 200
MOST_COPIES = 10_000
MOST_MIXES = 2

_HEAD = re.compile(r"([a-z]+)(.*)", re.DOTALL)
_FROZEN = re.compile(r"(.*)-x([0-9]{1,9})(?:-s([0-9]{1,20}))?", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """An ordered list of ops, with the name that spells it.

    Calling it augments a batch of NumPy images. Two recipes are equal if their names are.

    Attributes:
        name: the normalised spelling; `Recipe.parse(recipe.name) == recipe`.
        ops: what it does, in order, presets spelled out.
    """

    name: str
    ops: tuple[Op, ...] = dataclasses.field(compare=False)

    @staticmethod
    def parse(name: str) -> Recipe:
        """The recipe that `name` spells.

        Raises:
            RecipeError: naming what was wrong, what is allowed and the closest match.
        """
        if not isinstance(name, str) or not name:
            raise RecipeError("the recipe is empty; write op+op, for example rotate30+erase")
        if len(name) > LONGEST_NAME:
            raise RecipeError(
                f"the recipe has {len(name)} characters; {LONGEST_NAME} are allowed, "
                "so leave out what is a default"
            )
        if name == "plain":
            return Recipe(name, ())
        tokens, ops = [], []
        for token in name.split("+"):
            spelled, meant = _parse_token(token, name)
            tokens.append(spelled)
            ops.extend(meant)
        _check_ops(ops, name)
        return Recipe("+".join(tokens), tuple(ops))

    def __str__(self) -> str:
        return self.name

    @property
    def runs_python(self) -> bool:
        """Whether a function of the user's is part of it."""
        return any(isinstance(op, PythonOp) for op in self.ops)

    @property
    def mixes(self) -> bool:
        """Whether examples are mixed, so that labels are shares of classes, float32 [10]."""
        return any(isinstance(op, MixOp) for op in self.ops)

    @property
    def clean(self) -> Recipe:
        """What splits get that are not augmented: the value-range ops alone."""
        kept = tuple(op for op in self.ops if op.value_range)
        return Recipe("+".join(_spelled(op) for op in kept) or "plain", kept)

    @property
    def dtype(self) -> str:
        """The dtype of what comes out: "uint8", or "float32" after an op that sets the range."""
        return "float32" if self.clean.ops else "uint8"

    def __call__(
        self,
        images: np.ndarray,
        labels: Any = None,
        *,
        ids: Any = None,
        seed: int = 0,
        epoch: int = 0,
        partners: Any = None,
        n_jobs: int | None = None,
        backend: str | None = None,
    ) -> Any:
        """Augments a batch.

        Args:
            images: uint8 [batch, height, width, 3], or one image without the batch dimension.
            labels: handed back beside the images, if given: unchanged, but by ops that mix
                examples. Those take classes 0 to 9, [batch], or shares of classes,
                [batch, classes].
            ids: the examples' numbers, [batch], integers or names such as "train_00042";
                0, 1, 2 … if not given. They decide, with seed and epoch, what is drawn.
            seed: 0 to 2**64 - 1.
            epoch: 0 to 2**32 - 1.
            partners: (images, labels, ids) of the examples that mix ops draw partners from, as the
                slice of a split is for `tfds.load`; the batch itself if not given.
            n_jobs: workers for the functions that users have registered; None is one for each
                core.
            backend: where those run, "loky" (processes) or "threading"; None is as registered.

        Returns:
            Images of the same shape, uint8 or float32, alone or as (images, labels). Labels of
            mixed examples are float32 [batch, classes].

        Raises:
            ValueError: if an argument has the wrong shape, dtype or range.
            PythonOpError: if a registered function fails.
        """
        from cifar10_aug.engines import arrays
        from cifar10_aug.engines.where import Where

        return arrays.augment(
            self,
            images,
            labels,
            ids=ids,
            seed=seed,
            epoch=epoch,
            partners=partners,
            where=Where(n_jobs, backend),
        )

    def parameters(
        self,
        ids: Any,
        *,
        seed: int = 0,
        epoch: int = 0,
        height: int = 32,
        width: int = 32,
        partners: Any = None,
    ) -> dict[str, np.ndarray]:
        """What the ops draw for some examples: the same that calling the recipe draws.

        Args:
            ids: the examples' numbers or names, [batch].
            seed, epoch: as for calling the recipe.
            height, width: of the images.
            partners: the numbers or names of the examples that mix ops draw partners from; by
                default those in `ids`.

        Returns:
            Arrays of shape [batch] by position, op and parameter, such as "0.rotate.degrees", in
            the units that `cifar10-aug list` gives. Boxes have top, left, bottom and right, the
            last two excluded. Registered functions draw for themselves, and have none.

        Raises:
            ValueError: if an argument has the wrong shape, dtype or range.
        """
        from cifar10_aug.engines import parameters

        return parameters.of(
            self, ids, seed=seed, epoch=epoch, height=height, width=width, partners=partners
        )


@dataclasses.dataclass(frozen=True)
class Config:
    """What a config name asks for: a recipe, run online or frozen into copies.

    Attributes:
        recipe: the recipe.
        copies: the number of frozen epochs; 0 is online.
        seed: the seed of the frozen epochs.
    """

    recipe: Recipe
    copies: int = 0
    seed: int = 0

    @staticmethod
    def parse(name: str) -> Config:
        """The config that `name` spells.

        Raises:
            RecipeError: as `Recipe.parse`, and for a wrong number of copies or seed.
        """
        frozen = _FROZEN.fullmatch(name) if isinstance(name, str) else None
        if frozen is None:
            return Config(Recipe.parse(name))
        text, copies, seed = frozen[1], int(frozen[2]), int(frozen[3] or 0)
        if not 1 <= copies <= MOST_COPIES:
            raise RecipeError(f"-x{copies} in {_quote(name)}: copies go from 1 to {MOST_COPIES}")
        if seed >= SEED_LIMIT:
            raise RecipeError(f"-s{seed} in {_quote(name)}: seeds go from 0 to {SEED_LIMIT - 1}")
        if frozen[3] is not None and seed == 0:
            raise RecipeError(f"-s0 in {_quote(name)}: 0 is the default seed; leave it out")
        return Config(Recipe.parse(text), copies, seed)

    def __str__(self) -> str:
        return config_name(self.recipe.name, self.copies, self.seed)


def config_name(recipe: str, copies: int, seed: int) -> str:
    """How a config is spelled; see `Config`."""
    return f"{recipe}{f'-x{copies}' if copies else ''}{f'-s{seed}' if seed else ''}"


def _quote(text: str) -> str:
    """`text` for an error message: on one line and not endless."""
    shown = repr(text)
    return shown if len(shown) <= 80 else f"{shown[:60]}…{shown[-10:]}"


def closest(word: str, words: Iterable[str]) -> str:
    """A clause that suggests the most similar word, or "" if none is similar."""
    match = difflib.get_close_matches(word, list(words), n=1, cutoff=0.5)
    return f" Did you mean {match[0]}?" if match else ""


def _parse_token(token: str, recipe: str) -> tuple[str, list[Op]]:
    """The normalised spelling of one token, and the ops it stands for."""
    where = _quote(token) if token == recipe else f"{_quote(token)} in recipe {_quote(recipe)}"
    head, *assignments = token.split("_")
    match = _HEAD.fullmatch(head)
    if match is None:
        raise RecipeError(
            f"{where}: an op starts with its name in lower-case letters, "
            f"for example rotate30; the ops are {', '.join(sorted(OPS))}"
        )
    name, main = match[1], match[2]
    if name in NAMED:
        return _preset(name, token, where)
    if name not in OPS:
        known = sorted({*OPS, *NAMED})
        raise RecipeError(
            f"{where}: there is no op {_quote(name)}.{closest(name, known)} "
            f"The ops and presets are {', '.join(known)}. A function of your own is "
            f"registered first, in every process: cifar10_aug.register({_quote(name)}, function), "
            "or --imports MODULE on the command line"
        )
    op_class = OPS[name]
    fields = fields_of(op_class)
    values: dict[str, Any] = {}
    spelled = name
    if main:
        if not fields:
            raise RecipeError(f"{where}: {name} takes no number; write {name}")
        first = next(iter(fields))
        values[first] = _value(fields[first], main, f"{where}: {first}")
        spelled += fields[first].normalise(main)
    for assignment in assignments:
        field, text = _split_assignment(assignment, name, fields, where)
        if field in values:
            raise RecipeError(f"{where}: {field} is given twice; give it once")
        values[field] = _value(fields[field], text, f"{where}: {field}")
        spelled += f"_{field}{fields[field].normalise(text)}"
    return spelled, [_make_op(op_class, values, where)]


def _preset(name: str, token: str, where: str) -> tuple[str, list[Op]]:
    if name == "plain":
        raise RecipeError(f"{where}: plain stands alone; leave it out or write nothing else")
    if token != name:
        raise RecipeError(
            f"{where}: the preset {name} takes no fields; "
            f"spell it out as {NAMED[name].recipe} to change them"
        )
    return name, list(Recipe.parse(NAMED[name].recipe).ops)


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
    word = re.match("[a-z]*", assignment)[0]  # type: ignore[index]
    raise RecipeError(
        f"{where}: {name} has no field {_quote(word or assignment)}.{closest(word, fields)} "
        f"Its fields are {', '.join(fields)}"
    )


def _value(field: Field, text: str, where: str) -> Any:
    try:
        return field.parse(text)
    except FieldError as error:
        raise RecipeError(
            f"{where} is {_quote(text)}: {error}; it takes {field.allowed()}"
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
            f"recipe {_quote(recipe)} has {len(ops)} ops; at most {MOST_OPS} are allowed"
        )
    mixes = [op.name for op in ops if isinstance(op, MixOp)]
    if len(mixes) > MOST_MIXES:
        raise RecipeError(
            f"recipe {_quote(recipe)} mixes examples {len(mixes)} times ({', '.join(mixes)}); "
            f"at most {MOST_MIXES} are allowed, since each doubles the work"
        )
    ranges = [op.name for op in ops if op.value_range]
    if len(ranges) > 1:
        raise RecipeError(
            f"recipe {_quote(recipe)}: {' and '.join(ranges)} both set the range of the pixels; "
            f"keep one of them"
        )
    for op, behind in itertools.pairwise(ops):
        if isinstance(op, PythonOp) and op.value_range:
            raise RecipeError(
                f"recipe {_quote(recipe)}: {op.name} hands out {op.output}, and {behind.name} "
                f"behind it takes uint8; put {op.name} at the end"
            )


def _spelled(op: Op) -> str:
    """`op` as a recipe spells it, without what is a default."""
    fields, attributes = fields_of(type(op)), attributes_of(type(op))
    values = {name: getattr(op, attributes[name]) for name in fields}
    given = {name: value for name, value in values.items() if value != fields[name].default}
    return "_".join([op.name, *(f"{name}{fields[name].show(v)}" for name, v in given.items())])
