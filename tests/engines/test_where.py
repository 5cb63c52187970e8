import threading
from typing import Any

import pytest

from cifar10_aug import worker_process
from cifar10_aug.engines.where import Where
from cifar10_aug.errors import RegistrationError
from cifar10_aug.ops import PythonOp
from cifar10_aug.recipe import Recipe
from cifar10_aug.registration import seeded
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
    ("where", "how", "place"),
    [
        (Where(2), {}, "processes"),
        (Where(2), {"backend": "threading"}, "threads"),
        (Where(2, "threading"), {}, "threads"),
        (Where(2, "loky"), {"backend": "threading"}, "processes"),
        (Where(1), {}, "here"),
        (Where(1), {"backend": "threading"}, "here"),
    ],
)
def test_a_function_runs_where_it_is_told_to(where: Where, how: dict[str, Any], place: str) -> None:
    assert where.place(op_of(functions.sepia, **how)) == place


def test_a_seeded_function_runs_in_processes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    op = op_of(seeded(functions.sepia))
    assert Where(2).place(op) == "processes"
    assert Where(1).place(op) == "processes"
    with pytest.raises(RegistrationError) as error:
        Where(2, "threading").place(op)
    assert str(error.value) == (
        "mine draws from global generators, which threads share; leave backend='threading' out"
    )
    # In a worker process there is nobody else who draws.
    monkeypatch.setattr(worker_process, "_serving", True)
    assert Where(1).place(op) == "here"


def test_what_cannot_be_pickled_runs_in_threads_and_says_why() -> None:
    op = op_of(unpicklable())
    with pytest.warns(UserWarning, match="mine runs in threads") as warned:
        assert Where(2).place(op) == "threads"
    assert str(warned[0].message) == (
        "mine runs in threads, because it cannot be sent to worker processes (TypeError: cannot "
        "pickle '_thread.lock' object); create what it needs inside the function, or register it "
        "with backend='threading'"
    )
    # Nothing to say if nobody asked for processes.
    assert Where(2, "threading").place(op) == "threads"
    assert Where(1).place(op) == "here"


def test_a_seeded_function_that_cannot_be_pickled_is_an_error() -> None:
    with pytest.raises(RegistrationError) as error:
        Where(2).place(op_of(seeded(unpicklable())))
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
        Where(*arguments)
    assert str(error.value) == message
