import threading
from typing import Any

import pytest

from cifar10_aug.engines.python import worker_process
from cifar10_aug.engines.python.execution import Execution
from cifar10_aug.errors import RegistrationError
from cifar10_aug.ops import PythonOp
from cifar10_aug.recipes.recipe import Recipe
from cifar10_aug.recipes.registration import seeded
from tests import functions
from tests.registering import registered


def op_of(function: Any, **how: Any) -> PythonOp:
    with registered(how, mine=function):
        (op,) = Recipe.parse("mine").ops
    assert isinstance(op, PythonOp)
    return op


def unpicklable() -> Any:
    lock = threading.Lock()

    def locked(image: Any, rng: Any) -> Any:
        with lock:
            return image

    return locked


@pytest.mark.parametrize(
    ("execution", "how", "place"),
    [
        (Execution(2), {}, "processes"),
        (Execution(2), {"backend": "threading"}, "threads"),
        (Execution(2, "threading"), {}, "threads"),
        (Execution(2, "loky"), {"backend": "threading"}, "processes"),
        (Execution(1), {}, "here"),
        (Execution(1), {"backend": "threading"}, "here"),
    ],
)
def test_a_function_runs_where_it_is_told_to(
    execution: Execution, how: dict[str, Any], place: str
) -> None:
    assert execution.place(op_of(functions.sepia, **how)) == place


def test_a_seeded_function_runs_in_processes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    op = op_of(seeded(functions.sepia))
    assert Execution(2).place(op) == "processes"
    assert Execution(1).place(op) == "processes"
    with pytest.raises(RegistrationError) as error:
        Execution(2, "threading").place(op)
    assert str(error.value) == (
        "mine draws from global generators, which threads share; leave backend='threading' out"
    )
    # In a worker process there is nobody else who draws.
    monkeypatch.setattr(worker_process, "_serving", True)
    assert Execution(1).place(op) == "here"


def test_what_cannot_be_pickled_runs_in_threads_and_says_why() -> None:
    op = op_of(unpicklable())
    with pytest.warns(UserWarning, match="mine runs in threads") as warned:
        assert Execution(2).place(op) == "threads"
    assert str(warned[0].message) == (
        "mine runs in threads, because it cannot be sent to worker processes (TypeError: cannot "
        "pickle '_thread.lock' object); create what it needs inside the function, or register it "
        "with backend='threading'"
    )
    # Nothing to say if nobody asked for processes.
    assert Execution(2, "threading").place(op) == "threads"
    assert Execution(1).place(op) == "here"


def test_a_seeded_function_that_cannot_be_pickled_is_an_error() -> None:
    with pytest.raises(RegistrationError) as error:
        Execution(2).place(op_of(seeded(unpicklable())))
    assert str(error.value) == (
        "mine draws from global generators, so it must run in worker processes, and it cannot be "
        "sent to worker processes (TypeError: cannot pickle '_thread.lock' object); create what "
        "it needs inside the function"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "n_jobs is 0; give a positive number, or -1 for all cores"),
        ((-2,), "n_jobs is -2; give a positive number, or -1 for all cores"),
        ((True,), "n_jobs is True; give a positive number, or -1 for all cores"),
        ((1.5,), "n_jobs is 1.5; give a positive number, or -1 for all cores"),
        ((2, "dask"), "backend is 'dask'; give loky or threading"),
    ],
)
def test_wrong_arguments_are_named(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        Execution(*arguments)
    assert str(error.value) == message
