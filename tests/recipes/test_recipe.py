import re
import sys
import time
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import OPS
from cifar10_aug.ops.fields import (
    ChoiceField,
    Field,
    IntervalField,
    NumberField,
    fields_of,
    main_field,
)
from cifar10_aug.recipes.grammar import LONGEST_NAME, quote, spelled
from cifar10_aug.recipes.presets import NAMED, PRESETS
from cifar10_aug.recipes.recipe import Config, Recipe

ALL = "cifar10-aug list shows all ops and presets."


def registering(name: str) -> str:
    return (
        f"A function of your own is registered first, in every process: "
        f"cifar10_aug.register('{name}', function), or --imports MODULE on the command line"
    )


def number_text(field: NumberField | IntervalField) -> st.SearchStrategy[str]:
    low, high = max(field.low, 0), field.high
    if field.whole:
        return st.integers(int(low), int(high)).map(str)
    steps = st.integers(0, 100).map(lambda k: low + (high - low) * k / 100)
    return steps.map(lambda value: f"{value:.4f}")


def value_text(field: Field) -> st.SearchStrategy[str]:
    """Spellings of a field's values."""
    if isinstance(field, ChoiceField):
        words = st.sampled_from(field.words)
        return words | number_text(field.number) if field.number else words
    assert isinstance(field, (NumberField, IntervalField))
    if isinstance(field, NumberField):
        return number_text(field)
    pairs = st.tuples(number_text(field), number_text(field))
    return pairs.map(lambda pair: "-".join(sorted(pair, key=float)))


@st.composite
def op_text(draw: st.DrawFn, names: tuple[str, ...] = tuple(OPS)) -> str:
    """Spellings of one op with some of its fields."""
    name = draw(st.sampled_from(names))
    fields = dict(fields_of(OPS[name]))
    text = name
    main = main_field(OPS[name])
    if draw(st.booleans()) and main is not None:
        text += draw(value_text(fields.pop(main)).filter(lambda value: value[0].isdigit()))
    for spelling in draw(st.permutations(list(fields)))[: draw(st.integers(0, 3))]:
        text += f"_{spelling}{draw(value_text(fields[spelling]))}"
    return text


PIXEL_OPS = tuple(name for name in OPS if name not in ("rescale", "normalize"))


def parses(text: str) -> bool:
    """False where one field excludes another; any other error is one of the tests'."""
    try:
        Recipe.parse(text)
    except RecipeError as error:
        if not re.search(
            "exclude each other|cval is the level|fill is for|mixes examples", str(error)
        ):
            raise
        return False
    return True


def step_text(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Mostly an op, at times a choice."""
    choice = st.lists(op_text(names), min_size=2, max_size=3).map("-or-".join)
    return st.one_of(op_text(names), op_text(names), op_text(names), choice)


def recipe_text_of(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    return (
        st.lists(step_text(names), min_size=1, max_size=6)
        .map("+".join)
        .filter(lambda text: len(text) <= LONGEST_NAME - 20 and parses(text))
    )


recipe_text = recipe_text_of(PIXEL_OPS)


@given(recipe_text)
def test_the_name_of_a_recipe_is_the_recipe(text: str) -> None:
    recipe = Recipe.parse(text)
    again = Recipe.parse(str(recipe))
    assert again == recipe
    assert again.ops == recipe.ops
    assert str(again) == str(recipe)


@given(recipe_text)
def test_every_recipe_is_a_name_that_tfds_takes(text: str) -> None:
    assert re.fullmatch(r"[\w+\-.]+", str(Recipe.parse(text)))


@given(recipe_text, st.integers(1, 99), st.integers(0, 2**64 - 1))
def test_the_name_of_a_config_is_the_config(text: str, copies: int, seed: int) -> None:
    name = f"{text}-x{copies}" + (f"-s{seed}" if seed else "")
    config = Config.parse(name)
    assert (config.copies, config.seed) == (copies, seed)
    assert config.recipe == Recipe.parse(text)
    assert Config.parse(str(config)) == config


def test_numbers_are_normalised_and_all_else_stays_as_typed() -> None:
    text = "zoom0.50-1.5+rotate30.0_fillmodereflect+erase_area0.020-0.4_p1+flip"
    assert str(Recipe.parse(text)) == (
        "zoom0.5-1.5+rotate30_fillmodereflect+erase_area0.02-0.4_p1+flip"
    )


def test_the_number_after_the_name_is_the_main_field() -> None:
    assert Recipe.parse("rotate15").ops == Recipe.parse("rotate_degrees15").ops


def test_a_preset_means_its_ops() -> None:
    assert Recipe.parse("standard+erase").ops == Recipe.parse("crop4+flip+erase").ops
    assert str(Recipe.parse("standard+erase")) == "standard+erase"


def test_plain_does_nothing() -> None:
    assert Recipe.parse("plain").ops == ()
    assert str(Recipe.parse("plain")) == "plain"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_recipe(name: str) -> None:
    assert Recipe.parse(name).ops == (
        Recipe.parse(PRESETS[name].recipe).ops if PRESETS[name].recipe else ()
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the recipe is empty; write op+op, for example rotate30+erase"),
        (
            "rotat30",
            f"'rotat30': there is no op 'rotat'. Did you mean rotate, rot or contrast? "
            f"{ALL} {registering('rotat')}",
        ),
        (
            "rotate30+eras",
            f"'eras' in recipe 'rotate30+eras': there is no op 'eras'. Did you mean "
            "erase, elastic or gridmask? "
            f"{ALL} {registering('eras')}",
        ),
        ("xyzzy", f"'xyzzy': there is no op 'xyzzy'. {ALL} {registering('xyzzy')}"),
        (
            "rotate++erase",
            "'' in recipe 'rotate++erase': an op starts with its name in lower-case letters, "
            "for example rotate30; cifar10-aug list shows all of them",
        ),
        (
            "rotate200",
            "'rotate200': degrees is '200': out of range; it takes n or low-high, numbers from 0 "
            "to 180 (n stands for -n to n)",
        ),
        (
            "brightness2",
            "'brightness2': factor is '2': out of range; it takes n from 0 to 1 (n stands for 1-n "
            "to 1+n) or low-high, numbers from 0 to 10",
        ),
        (
            "zoom1",
            "'zoom1': factor is '1': out of range; it takes n from 0 to 0.9 (n stands for 1-n to "
            "1+n) or low-high, numbers from 0.1 to 10",
        ),
        (
            "rotate20-10",
            "'rotate20-10': degrees is '20-10': the low end comes first; it takes n or low-high, "
            "numbers from 0 to 180 (n stands for -n to n)",
        ),
        (
            "erase_size3",
            "'erase_size3': erase has no field 'size'. Its fields are p, area, aspect, fill",
        ),
        (
            "erase_are0.1",
            "'erase_are0.1': erase has no field 'are'. Did you mean area? "
            "Its fields are p, area, aspect, fill",
        ),
        ("erase_p", "'erase_p': p has no value; it takes a number from 0 to 1"),
        ("erase_p0.5_p0.6", "'erase_p0.5_p0.6': p is given twice; give it once"),
        ("erase0.5_p0.6", "'erase0.5_p0.6': p is given twice; give it once"),
        (
            "erase_fillred",
            "'erase_fillred': fill is 'red': not a number; it takes "
            "random | noise | mean | a whole number from 0 to 255",
        ),
        ("rescale2", "'rescale2': rescale takes no number; write rescale"),
        ("rescale_p1", "'rescale_p1': rescale has no fields; write rescale"),
        (
            "plain+flip",
            "'plain' in recipe 'plain+flip': plain stands alone; "
            "leave it out or write nothing else",
        ),
        (
            "standard4",
            "'standard4': the preset standard takes no fields; "
            "spell it out as crop4+flip to change them",
        ),
        (
            "rescale+normalize",
            "recipe 'rescale+normalize': rescale and normalize both set the range of the pixels; "
            "keep one of them",
        ),
        (
            "zoom0.2_isotropic0.1",
            "'zoom0.2_isotropic0.1': factor, isotropic exclude each other; leave out factor",
        ),
        (
            "rotate_cval9",
            "'rotate_cval9': rotate: cval is the level of fill mode constant; "
            "write fillmodeconstant as well, or leave cval out",
        ),
        (
            "+".join(["flip"] * 41),
            "the recipe has 204 characters; 200 are allowed, so leave out what is a default",
        ),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong_and_what_to_do(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        Recipe.parse(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rotate-x0", "-x0 in 'rotate-x0': copies go from 1 to 10000"),
        ("rotate-x10001", "-x10001 in 'rotate-x10001': copies go from 1 to 10000"),
        ("rotate-x5-s0", "-s0 in 'rotate-x5-s0': 0 is the default seed; leave it out"),
        (
            "rotate-x5-s99999999999999999999",
            "-s99999999999999999999 in 'rotate-x5-s99999999999999999999': "
            "seeds go from 0 to 18446744073709551615",
        ),
    ],
)
def test_a_wrong_config_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        Config.parse(text)
    assert str(error.value) == message


@settings(max_examples=300)
@given(
    st.text(max_size=60)
    | st.text("rotaefpcsx0123456789.-+_", max_size=40)
    | st.text(max_size=20).map(lambda text: "rotate30" + text)
    | st.sampled_from(["../../etc/passwd", "rotate/..", "a" * 10_000, "rotate" + "9" * 10_000])
)
def test_any_text_is_a_recipe_or_a_recipe_error_at_once(text: str) -> None:
    start = time.process_time()
    try:
        outcome: Config | RecipeError = Config.parse(text)
    except RecipeError as error:
        outcome = error
    if isinstance(outcome, Config):
        assert Config.parse(str(outcome)) == outcome
    else:
        assert "\n" not in str(outcome)
        assert len(str(outcome)) < 1200
    assert time.process_time() - start < 0.5


def test_what_is_no_text_is_a_recipe_error() -> None:
    with pytest.raises(RecipeError):
        Recipe.parse(None)  # type: ignore[arg-type]


def test_presets_have_names_that_no_op_has() -> None:
    assert not set(NAMED) & set(OPS)


@pytest.mark.parametrize(
    ("one", "other"),
    [("rotate", "rotate30"), ("standard", "crop4+flip"), ("zoom", "zoom_factor0.5-1.5")],
)
def test_recipes_with_the_same_ops_are_equal(one: str, other: str) -> None:
    assert Recipe.parse(one) == Recipe.parse(other)
    assert hash(Recipe.parse(one)) == hash(Recipe.parse(other))
    assert Config.parse(f"{one}-x2") == Config.parse(f"{other}-x2")
    assert Recipe.parse(one) != Recipe.parse(f"{other}+flip")


def test_recipes_work_as_keys() -> None:
    assert len({Recipe.parse("rotate30.0"), Recipe.parse("rotate30")}) == 1


def test_labels_come_back_beside_the_images() -> None:
    images, labels = np.zeros((2, 32, 32, 3), np.uint8), np.array([3, 4])
    augmented, same = Recipe.parse("flip")(images, labels)
    assert same is labels
    assert augmented.shape == images.shape


def test_a_recipe_knows_its_dtype_and_its_clean_part() -> None:
    recipe = Recipe.parse("rotate+normalize+flip")
    assert recipe.dtype == "float32"
    assert str(recipe.clean) == "normalize"
    assert Recipe.parse("rotate").dtype == "uint8"
    assert str(Recipe.parse("rotate").clean) == "plain"


def test_a_layer_gets_what_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # Keras takes seconds to import; tests/recipes/test_layers.py has the layer itself.
    made = types.SimpleNamespace(RecipeLayer=lambda *args, **kwargs: (args, kwargs))
    monkeypatch.setitem(sys.modules, "cifar10_aug.recipes.layers", made)
    assert Recipe.parse("rotate030").layer() == (
        ("rotate30",),
        {"seed": 0, "value_range": (0, 255), "jit_compile": False},
    )
    given = {"seed": 7, "value_range": (0, 1), "jit_compile": True, "name": "mine"}
    assert Recipe.parse("flip").layer(**given) == (("flip",), given)  # type: ignore[arg-type]


def test_an_op_is_spelled_without_its_defaults() -> None:
    for text in ("rotate_degrees15_fillmodeconstant_cval7", "erase_area0.1-0.2_fill9", "rescale"):
        (op,) = Recipe.parse(text).ops
        assert spelled(op) == text


@pytest.mark.parametrize("length", [78, 79])
def test_a_quotation_is_on_one_line_and_not_endless(length: int) -> None:
    text = "\n" + "a" * (length - 2)
    shown = "'\\n" + "a" * (length - 2) + "'"
    assert quote(text) == (shown if length == 78 else f"'\\n{'a' * 57}…{'a' * 9}'")


@given(recipe_text)
def test_a_recipe_knows_whether_it_mixes_and_runs_python(text: str) -> None:
    recipe = Recipe.parse(text)
    assert recipe.mixes == any(name in text for name in ("mixup", "cutmix", "resizemix"))
    assert not recipe.runs_python


def test_parameters_are_by_default_those_of_cifar10_and_of_the_ids() -> None:
    recipe, ids = Recipe.parse("erase_p1+mixup"), range(200)
    given = recipe.parameters(ids, height=32, width=32, partners=ids)
    found = recipe.parameters(ids)
    assert all((found[name] == given[name]).all() for name in given)
    alone = recipe.parameters(ids, partners=[7])["1.mixup.partner"]
    assert alone.tolist() == [7] * 200
