"""One thread at a time works with NumPy, and no compiled loop keeps others waiting."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from cifar10_aug import Recipe
from cifar10_aug.engines.numba.kernels import blends, filters, mixes, render
from cifar10_aug.engines.numba.turns import TURN, Turn
from tests.registering import registered


def is_free(turn: Turn) -> bool:
    """Whether another thread could enter now."""
    found = []

    def look() -> None:
        found.append(turn.lock.acquire(blocking=False))
        if found[0]:
            turn.lock.release()

    other = threading.Thread(target=look)
    other.start()
    other.join()
    return found[0]


def test_one_thread_is_in_it_at_a_time() -> None:
    turn = Turn()
    with turn.lock:
        assert not is_free(turn)
        with turn.lock:
            assert not is_free(turn)
        assert not is_free(turn)
    assert is_free(turn)


def test_others_have_their_turn_while_a_thread_leaves_it() -> None:
    turn = Turn()
    with turn.lock, turn.lock:
        with turn.left():
            assert is_free(turn)
            # As when a function of the user's augments images.
            with turn.lock:
                assert not is_free(turn)
            assert is_free(turn)
        assert not is_free(turn)
    assert is_free(turn)


def test_who_is_not_in_it_leaves_nothing() -> None:
    turn = Turn()
    with turn.left():
        assert is_free(turn)
    assert is_free(turn)


def test_errors_give_it_back() -> None:
    turn = Turn()
    with pytest.raises(KeyError), turn.lock, turn.left():
        raise KeyError
    assert is_free(turn)


def test_a_forked_process_waits_for_no_thread_of_its_parent() -> None:
    turn = Turn()
    with turn.lock:
        turn.renew()
        assert is_free(turn)


@pytest.mark.parametrize(
    ("recipe", "where", "loop"),
    [
        ("rotate", render, "render"),
        ("blur", filters, "_blur"),
        ("mixup", mixes, "mix_levels"),
        ("augmix", blends, "lay"),
        ("corruptzoomblur", blends, "lay_resized"),
    ],
)
def test_loops_run_while_others_work_with_numpy(
    recipe: str, where: Any, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, free = getattr(where, loop), []

    def watched(*arguments: Any) -> Any:
        free.append(is_free(TURN))
        return compiled(*arguments)

    monkeypatch.setattr(where, loop, watched)
    with TURN.lock:
        made = Recipe.parse(recipe)
        images, labels = np.zeros((3, 32, 32, 3), np.uint8), np.arange(3)
        made(images, labels) if made.mixes else made(images)
    assert free
    assert all(free)


def test_functions_of_users_run_while_others_work_with_numpy() -> None:
    free = []

    def look(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        free.append(is_free(TURN))
        return image

    with registered({"backend": "threading"}, look=look), TURN.lock:
        Recipe.parse("look+flip")(np.zeros((3, 32, 32, 3), np.uint8))
    assert free
    assert all(free)
