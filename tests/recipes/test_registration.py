import functools
import inspect
import linecache
import random
from typing import Any

import numpy as np
import pytest

import cifar10_aug
from cifar10_aug.builders.configs import RecipeConfig, RecipeConfigs
from cifar10_aug.cli.listing import about, listing
from cifar10_aug.errors import RecipeError, RegistrationError
from cifar10_aug.ops import OPS, PythonOp
from cifar10_aug.ops.fields import fields_of
from cifar10_aug.recipes.recipe import Config, Recipe
from cifar10_aug.recipes.registration import register, seeded
from tests import functions
from tests.registering import registered

QUARTER = np.float32(0.25)


def op_of(text: str) -> PythonOp:
    (op,) = Recipe.parse(text).ops
    assert isinstance(op, PythonOp)
    return op


def test_a_registered_function_is_an_op() -> None:
    with registered(sepia=functions.sepia):
        recipe = Recipe.parse("rotate15+sepia_strength0.80+erase")
        assert recipe.name == "rotate15+sepia_strength0.8+erase"
        assert [op.name for op in recipe.ops] == ["rotate", "sepia", "erase"]
        assert Config.parse("sepia0.25-x3-s7").recipe.ops == (op_of("sepia0.25"),)


def blank(image: Any, rng: Any) -> Any:
    return image


def test_names_may_have_digits_and_underscores() -> None:
    with registered(blank=blank, blank2=blank, my_op=functions.sepia, v2=functions.sepia):
        for text, op, strength in (
            ("my_op", "my_op", 0.5),
            ("my_op0.25", "my_op", 0.25),
            ("my_op_strength0.25", "my_op", 0.25),
            ("v2_strength0.25", "v2", 0.25),
            ("v2", "v2", 0.5),
        ):
            recipe = Recipe.parse(f"rotate30+{text}+flip")
            assert recipe.ops[1].name == op
            assert recipe.ops[1].arguments == {"strength": strength}  # type: ignore[attr-defined]
            assert recipe.name == f"rotate30+{text}+flip"
            assert Config.parse(f"{recipe}-x3-s7").recipe == recipe
        assert [op.name for op in Recipe.parse("blank+blank2").ops] == ["blank", "blank2"]
        for text, message in (
            ("v25", "'v25': there is no op 'v'."),
            ("blank3", "'blank3': blank takes no number; write blank"),
            ("my_opera", "'my_opera': there is no op 'my'. Did you mean my_op?"),
            ("my_op_hue1", "'my_op_hue1': my_op has no field 'hue'."),
        ):
            with pytest.raises(RecipeError) as error:
                Recipe.parse(text)
            assert str(error.value).startswith(message)


def test_a_name_that_would_make_another_mean_two_things_is_refused() -> None:
    with registered(v2=functions.sepia):
        message = "v: 'v2' reads like 'v' with a number or a field; choose another name"
        with pytest.raises(RegistrationError, match=message):
            register("v", functions.sepia)
        register("v", blank)


def defined(text: str, filename: str) -> Any:
    """The function `mine` that a notebook's cell defines."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    cell: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, filename, "exec"), cell)
    return cell["mine"]


def test_a_cell_that_is_run_again_needs_no_replace() -> None:
    text = "def mine(image, rng, strength=0.5):\n    return image\n"
    first = defined(text, "<cell 1>")
    for make in (lambda function: function, seeded):
        with registered(mine=make(first)):
            again = make(defined(text, "<cell 1>"))
            register("mine", again)
            assert OPS["mine"].function is again  # type: ignore[attr-defined]
            register("mine", again)
            edited = text.replace("return image", "return 255 - image")
            others: tuple[tuple[Any, dict[str, Any]], ...] = (
                (make(defined(edited, "<cell 2>")), {}),
                (make(defined(text.replace("mine", "other") + "mine = other\n", "<cell 3>")), {}),
                (functools.partial(make(first)), {}),
                (again, {"output": "float32"}),
                (seeded(first) if make is not seeded else first, {}),
            )
            for other, how in others:
                with pytest.raises(RegistrationError, match=r"is registered already.*replace=True"):
                    register("mine", other, **how)
                assert OPS["mine"].function is again  # type: ignore[attr-defined]


def test_numeric_arguments_are_fields_in_order() -> None:
    def paint(
        image: Any, rng: Any, hue: float = 0.5, /, edge_width: int = 2, mode: str = "soft",
        once: bool = True, *, limit: Any = QUARTER, low: float = -1.5,
    ) -> Any:  # fmt: skip
        return image

    with registered(paint=paint):
        assert {n: f.default for n, f in fields_of(OPS["paint"]).items()} == {
            "edgewidth": 2,
            "limit": 0.25,
            "low": -1.5,
            "p": 1,
        }
        assert op_of("paint").arguments == {"edge_width": 2, "limit": 0.25, "low": -1.5}
        assert op_of("paint7_limit1").arguments == {"edge_width": 7, "limit": 1.0, "low": -1.5}
        # A whole default stays whole if the value is, and takes others.
        assert isinstance(op_of("paint7").arguments["edge_width"], int)
        assert op_of("paint7.5").arguments["edge_width"] == 7.5


def test_arguments_may_have_any_name() -> None:
    def awkward(image: Any, rng: Any, name: int = 1, slots: int = 2, function: int = 3) -> Any:
        return image

    with registered(awkward=awkward):
        assert op_of("awkward_slots5").arguments == {"name": 1, "slots": 5, "function": 3}
        assert op_of("awkward").name == "awkward"


def test_wrong_fields_are_named() -> None:
    with registered(sepia=functions.sepia):
        for text, message in (
            ("sepia_hue1", "'sepia_hue1': sepia has no field 'hue'. Its fields are strength"),
            ("sepiax", "'sepiax': there is no op 'sepiax'. Did you mean sepia, "),
            (
                "sepia_strength1-2",
                "'sepia_strength1-2': strength is '1-2': not a number; it takes a number from 0",
            ),
        ):
            with pytest.raises(RecipeError) as error:
                Recipe.parse(text)
            assert str(error.value).startswith(message)


def test_it_is_a_decorator_too_and_leaves_the_function_alone() -> None:
    with registered():

        @cifar10_aug.register("mine", backend="threading")
        def mine(image: Any, rng: Any) -> Any:
            return image

        assert inspect.isfunction(mine)
        assert op_of("mine").function is mine
        assert op_of("mine").backend == "threading"
        assert register("other", mine) is mine


def test_the_list_has_it() -> None:
    assert "Registered functions" not in listing()
    with registered(sepia=functions.sepia, averyveryverylongname=lambda image, rng: image):
        text = listing()
        assert "Registered functions" in text
        assert (
            "  sepia                (eager engine only) Browns the image, more or less.\n" in text
        )
        assert "strength   0.5: takes a number from 0\n" in about("sepia")
        assert "  averyveryverylongname (eager engine only) Your function " in text
        assert "for lists" not in text


def test_every_registered_op_is_a_config() -> None:
    configs = RecipeConfigs([RecipeConfig(name="flip")])
    with registered(sepia=functions.sepia):
        assert "sepia" in list(configs)
        assert len(list(configs)) == len(configs)
    assert "sepia" not in list(configs)


def test_a_name_that_is_registered_anew_means_the_new_function() -> None:
    configs = RecipeConfigs([])
    with registered(mine=functions.speckle):
        before = configs["mine"]
        assert configs["mine"] is before
        register("mine", functions.sepia, replace=True)
        assert configs["mine"].recipe.ops[0].function is functions.sepia  # type: ignore[attr-defined]
        assert before.recipe.ops[0].function is functions.speckle  # type: ignore[attr-defined]


def no_arguments() -> None: ...


def one_argument(image: Any) -> Any: ...


def no_generator(image: Any, strength: float = 0.5) -> Any: ...


def no_default(image: Any, rng: Any, strength: float) -> Any: ...


def digits(image: Any, rng: Any, sigma2: float = 1.0) -> Any: ...


def alike(image: Any, rng: Any, edge_width: int = 1, edgewidth: int = 2) -> Any: ...


def endless(image: Any, rng: Any, limit: float = float("inf")) -> Any: ...


def fine(image: Any, rng: Any) -> Any: ...


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rotate", fine), "'rotate' is a built-in op; choose another name"),
        (("standard", fine), "'standard' is a preset; choose another name"),
        (("plain", fine), "'plain' is a preset; choose another name"),
        (
            ("taken", fine),
            "'taken' is registered already, as tests.functions.sepia; choose another name, or say "
            "replace=True",
        ),
        *(
            (
                (name, fine),
                f"{name!r} cannot be spelled in a recipe; a name is 1 to 32 lower-case letters "
                "from a to z, after the first one also digits and single underscores, for example "
                "'sepia' or 'sepia2'",
            )
            for name in ("Sepia", "2sepia", "_a", "a_", "a__b", "", "sépia", "a" * 33, 7, "a\n")
        ),
        *(
            (
                (name, fine),
                f"{name}: {name!r} reads like {other!r} with a number or a field; choose another "
                "name",
            )
            for name, other in (
                ("rotate30", "rotate"),
                ("rotate_degrees30", "rotate"),
                ("crop4x", "crop"),
                ("taken2", "taken"),
                ("taken_twice", "taken"),
            )
        ),
        (
            ("mine", 7),
            "mine: int has no signature that Python can read (7 is not a callable object); give a "
            "function, for example lambda image, rng: …",
        ),
        *(
            (
                ("mine", function),
                f"mine: tests.recipes.test_registration.{function.__name__} takes {shown}; "
                "it must take (image, rng), and arguments with defaults after them",
            )
            for function, shown in (
                (no_arguments, "() -> None"),
                (one_argument, "(image: Any) -> Any"),
                (no_generator, "(image: Any, strength: float = 0.5) -> Any"),
                (no_default, "(image: Any, rng: Any, strength: float) -> Any"),
            )
        ),
        (
            ("mine", digits),
            "mine: the argument 'sigma2' cannot be spelled in a recipe; a field is lower-case "
            "letters from a to z",
        ),
        (
            ("mine", alike),
            "mine: the arguments 'edge_width' and 'edgewidth' are spelled alike in a recipe, which "
            "has no underscores in names; rename one",
        ),
        (
            ("mine", endless),
            "mine: the default of 'limit' is inf, which no recipe can spell; give a finite number",
        ),
        (("mine", fine, "output", "int32"), "mine: output is 'int32'; give uint8 or float32"),
        (("mine", fine, "backend", "dask"), "mine: backend is 'dask'; give loky or threading"),
        (
            ("mine", seeded(fine), "batched", True),
            "mine: global generators are seeded for one image at a time; leave batched out",
        ),
        (
            ("mine", functools.partial(seeded(fine)), "backend", "threading"),
            "mine: threads share global generators, so it must run in processes; leave backend out",
        ),
    ],
    # Functions have other addresses in other processes.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_registered_is_named(arguments: tuple, message: str) -> None:
    name, function, *how = arguments
    with registered(taken=functions.sepia):
        before = dict(OPS)
        with pytest.raises(RegistrationError) as error:
            register(name, function, **dict([how] if how else []))
        assert str(error.value) == message
        assert before == OPS


class Painter:
    def __call__(self, image: Any, rng: Any) -> Any: ...

    def paint(self, image: Any, rng: Any) -> Any: ...


@pytest.mark.parametrize(
    "function",
    [
        lambda image, rng: image,
        lambda *both: both[0],
        functools.partial(functions.sepia, strength=1),
        seeded(functions.sepia),
        Painter(),
        Painter().paint,
    ],
    ids=["lambda", "gathering", "partial", "seeded", "object", "bound method"],
)
def test_any_callable_with_that_signature_can_be_registered(function: Any) -> None:
    with registered(mine=function):
        assert op_of("mine").function == function
        assert "\n" not in op_of("mine").about()


def test_a_float_function_comes_last_and_alone() -> None:
    with registered({"output": "float32"}, standardize=functions.standardize):
        recipe = Recipe.parse("rotate+standardize_leaststd2")
        assert recipe.dtype == "float32"
        assert recipe.clean == Recipe.parse("standardize_leaststd2")
        assert recipe.clean.ops == Recipe.parse("standardize_leaststd2").ops
        for text, message in (
            (
                "standardize+rotate",
                "recipe 'standardize+rotate': standardize returns float32, and rotate after it "
                "takes uint8; put standardize at the end",
            ),
            (
                "rescale+standardize",
                "recipe 'rescale+standardize': rescale and standardize both set the range of the "
                "pixels; keep one of them",
            ),
        ):
            with pytest.raises(RecipeError) as error:
                Recipe.parse(text)
            assert str(error.value) == message


def test_seeded_functions_draw_from_global_generators_by_the_examples_own() -> None:
    draw = seeded(lambda image, rng: (np.random.random(), random.random()))
    before = np.random.get_state(), random.getstate()
    try:
        drawn = [draw(None, np.random.default_rng(seed)) for seed in (1, 2, 1)]
    finally:
        np.random.set_state(before[0])
        random.setstate(before[1])
    assert drawn[0] == drawn[2]
    assert drawn[0][0] != drawn[1][0]
    assert drawn[0][1] != drawn[1][1]
