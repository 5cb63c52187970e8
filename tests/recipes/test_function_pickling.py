import functools
import linecache
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar10_aug.errors import RegistrationError
from cifar10_aug.ops import OPS, PythonOp
from cifar10_aug.recipes.function_pickling import NOTHING, Carried, fingerprints
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.recipes.registration import seeded
from tests import functions
from tests.registering import registered

ROOT = Path(__file__).parents[2]


def test_another_process_can_parse_and_run_the_recipe() -> None:
    with registered({"batched": True}, speckle=functions.speckle_all):
        recipe = Recipe.parse("flip+speckle")
        carried = Carried.by(recipe)
        expected = recipe(functions.numbered(20), n_jobs=1)
    program = (
        "import sys; from cifar10_aug.recipes.function_pickling import Carried\n"
        "from cifar10_aug import Recipe\n"
        "from tests import functions\n"
        "Carried(bytes.fromhex(sys.argv[1])).register()\n"
        "made = Recipe.parse('flip+speckle')(functions.numbered(20), n_jobs=1)\n"
        "sys.stdout.buffer.write(made.tobytes())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, carried.pickled.hex()],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stdout == expected.tobytes()


def test_built_in_recipes_carry_nothing() -> None:
    before = dict(OPS)
    Carried.by(Recipe.parse("rotate+erase")).register()
    NOTHING.register()
    assert before == OPS


def test_what_is_carried_takes_the_place_of_what_is_registered() -> None:
    with registered(mine=functions.sepia):
        carried = Carried.by(Recipe.parse("mine"))
    with registered(mine=functions.speckle):
        carried.register()
        op = OPS["mine"]
        assert issubclass(op, PythonOp)
        assert op.function is functions.sepia
        carried.register()
        assert OPS["mine"] is op, "the same functions are registered once"


def test_what_cannot_be_carried_is_named() -> None:
    lock = threading.Lock()
    with registered(mine=lambda image, rng: lock), pytest.raises(RegistrationError) as error:
        Carried.by(Recipe.parse("mine"))
    assert str(error.value) == (
        "mine cannot be sent to other processes (TypeError: cannot pickle '_thread.lock' object); "
        "create what it needs inside the function"
    )


def fingerprint(function: Any, **how: Any) -> str:
    with registered(how, mine=function):
        return fingerprints(Recipe.parse("flip+mine"))["mine"]


def test_an_edited_function_has_another_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    def made_by(text: str) -> Any:
        names: dict[str, Any] = {}
        exec(text, names)  # As in a console, without source text.
        return names["f"]

    seen = [
        fingerprint(functions.sepia),
        fingerprint(functions.speckle),
        fingerprint(functools.partial(functions.sepia, strength=1)),
        fingerprint(functools.partial(functions.sepia, strength=2)),
        fingerprint(functions.sepia, output="float32"),
        fingerprint(made_by("def f(image, rng): return image + 1")),
        fingerprint(made_by("def f(image, rng): return image + 2")),
        fingerprint(made_by("def f(image, rng): return image - 2")),
        fingerprint(made_by("def f(image, rng): return (lambda x: x + 3)(image)")),
        fingerprint(made_by("def f(image, rng): return (lambda x: x + 4)(image)")),
        fingerprint(lambda image, rng: image),
    ]
    # As Python 3.13 does with the program of `python -c`.
    monkeypatch.setitem(linecache.cache, "<string>", (20, None, ["def f(): pass\n"], "<string>"))
    seen += [
        fingerprint(made_by("def f(image, rng): return image + 5")),
        fingerprint(made_by("def f(image, rng): return image + 6")),
    ]
    assert len(set(seen)) == len(seen)
    assert all(one.startswith("sha256:") and len(one) == 71 for one in seen)
    assert fingerprint(functions.sepia) == seen[0]
    assert fingerprint(seeded(functions.sepia)) == seen[0]
    assert fingerprint(made_by("def f(image, rng): return image + 1")) == seen[5]


def test_an_object_has_the_fingerprint_of_its_class() -> None:
    class Painter:
        def __init__(self, colour: int):
            self.colour = colour

        def __call__(self, image: np.ndarray, rng: Any) -> np.ndarray:
            return image

    assert fingerprint(Painter(1)) == fingerprint(Painter(2))
    assert fingerprints(Recipe.parse("flip")) == {}
