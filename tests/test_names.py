"""10,000 names: each is the recipe that an independent reading finds, or an error, at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import OPS, Op
from cifar10_aug.ops.compound import OneOf
from cifar10_aug.ops.fields import attributes_of
from cifar10_aug.recipes.recipe import FROZEN, Config, Recipe
from tests import fuzzing, programs, reading
from tests.cli.running import run

COUNT = 10_000


def values_of(ops: tuple[Op, ...]) -> list[Any]:
    """Ops by name, with all their fields' values; a choice with its ops."""
    return [
        ("or", values_of(op.ops))
        if isinstance(op, OneOf)
        else (op.name, {name: getattr(op, at) for name, at in attributes_of(type(op)).items()})
        for op in ops
    ]


def refused(name: str) -> str:
    """Why a recipe is refused; "" if it is not."""
    try:
        Recipe.parse(name)
    except RecipeError as error:
        return str(error)
    return ""


def test_the_independent_reading_knows_every_op() -> None:
    assert set(reading.OPS) == set(OPS)


def test_every_name_is_the_recipe_that_it_spells_or_a_recipe_error_at_once() -> None:
    right, slowest = 0, (0.0, "")
    for name in fuzzing.names(COUNT):
        expected = reading.read(name)
        began = time.thread_time()
        try:
            found: Config | RecipeError = Config.parse(name)
        except RecipeError as error:
            found = error
        slowest = max(slowest, (time.thread_time() - began, name[:300]))
        if isinstance(found, RecipeError):
            assert expected is None, name
            # One line, not endless, and harmless in a terminal.
            assert str(found).isprintable(), name
            assert len(str(found)) < 1500, name
            continue
        right += 1
        assert expected is not None, name
        assert str(found) == expected.config, name
        assert (found.copies, found.seed) == (expected.copies, expected.seed), name
        assert values_of(found.recipe.ops) == expected.ops, name
        assert [values_of(view.ops) for view in found.recipe.views] == expected.views, name
        again = Config.parse(str(found))
        assert (again, again.recipe.ops, str(again)) == (found, found.recipe.ops, str(found)), name
    # Both outcomes were met often.
    assert 0.2 * COUNT < right < 0.8 * COUNT
    # A reading that tries all ways would take minutes.
    assert slowest[0] < 1, slowest


def test_nothing_is_opened_imported_or_evaluated_while_names_are_read(tmp_path: Path) -> None:
    # Hooks cannot be removed, so they run in a separate process.
    program = f"""
import sys
from cifar10_aug import RecipeError
from cifar10_aug.builders.cifar10_aug_dataset_builder import Builder
from tests import fuzzing
names = list(fuzzing.names({COUNT}))
events, watching = set(), False
sys.addaudithook(lambda event, arguments: events.add(event) if watching else None)
def read(name):
    try: Builder.builder_configs[name]
    except RecipeError: pass
watching = True
for name in names: read(name)
watching = False
assert not events, events
watching = True
eval("1")
watching = False
assert "compile" in events
"""
    root = Path(__file__).parents[1]
    programs.python("-c", program, cwd=tmp_path, env={"PYTHONPATH": str(root)})
    assert not list(tmp_path.iterdir())


def test_tfds_gets_the_recipe_or_its_error_and_makes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = str(tmp_path / "data")
    for name in fuzzing.names(400, seed=1):
        expected = reading.read(name)
        # A ":" would begin a version, "/" an argument of the builder's.
        asked = [("cifar10_aug", {"config": name})]
        if set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_+-.") and name:
            asked.append((f"cifar10_aug/{name}", {}))
        for dataset, arguments in asked:
            if expected is None:
                with pytest.raises(RecipeError):
                    tfds.builder(dataset, data_dir=place, **arguments)
            else:
                builder = tfds.builder(dataset, data_dir=place, **arguments)
                assert builder.builder_config.name == expected.config
                assert values_of(builder.recipe.ops) == expected.ops
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"flip", "the recipe is of type bytes; write it as a str, for example 'rotate30+erase'"),
        (
            "rotate30:1.0.0",
            "'rotate30:1.0.0': degrees is '30:1.0.0': not a number or a range; it takes n or "
            "low-high, numbers from 0 to 180 (n stands for -n to n)",
        ),
    ],
)
def test_a_config_that_is_no_name_is_a_recipe_error(config: object, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        tfds.builder("cifar10_aug", config=config)
    assert str(error.value) == message


def encodes(name: str) -> bool:
    return name == name.encode(errors="replace").decode()


@pytest.mark.parametrize("command", [("preview",), ("export", "--copies", "1")])
def test_on_the_command_line_a_wrong_name_is_one_line_and_exit_code_2(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Others are not arguments that a program can be given, or are refused with other advice.
    names = [
        name
        for name in fuzzing.names(300, seed=2)
        if "\0" not in name and encodes(name) and not FROZEN.fullmatch(name)
    ]
    wrong = [(name, said) for name in names if (said := refused(name))]
    for name, said in wrong:
        result = run(*command, "--sample", "--data-dir", str(tmp_path), "--", name)
        assert result.exit_code == 2, name
        assert result.stderr == f"Error: Invalid value for 'RECIPE': {said}\n"
        assert result.stdout == ""
    assert len(wrong) > 100
    assert not list(tmp_path.iterdir())


def test_recipes_that_set_no_range_have_no_clean_part() -> None:
    for name in fuzzing.names(300, seed=3):
        if (read := reading.read(name)) is not None and not read.copies:
            recipe = Recipe.parse(name)
            first = read.spelling.split("--")[0]
            tokens = first.rpartition("-v")[0].split("+") if "-v" in first else first.split("+")
            kept = [t.removesuffix("_stdown") for t in tokens if t.split("_")[0] in reading.RANGES]
            views = f"-v{len(read.views)}" if read.views else ""
            assert str(recipe.clean) == ("+".join(kept) or "plain") + views
