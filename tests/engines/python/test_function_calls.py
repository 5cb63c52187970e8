from typing import Any

import numpy as np
import pytest

from cifar10_aug.engines.python.function_calls import Call, Failure, run
from cifar10_aug.rng import draws
from tests import functions

EPOCH, SEED = 5, 2**63 + 11


def call(function: Any, name: str = "mine", position: int = 2, **how: Any) -> Call:
    fields = {"arguments": {}, "batched": False, "output": "uint8", **how}
    return Call(name, position, function, **fields)


def outcome(
    calls: list[Call], images: np.ndarray, ids: Any = None, dtype: str = "uint8"
) -> tuple[np.ndarray, Failure | None]:
    out = np.zeros(images.shape, dtype)
    keys = draws.example_keys(np.arange(len(images)) if ids is None else ids)
    return out, run(calls, SEED, images, out, keys, EPOCH)


def generator(number: int, position: int, epoch: int = EPOCH) -> np.random.Generator:
    """An example's own, as documented, from NumPy alone."""
    return np.random.Generator(
        np.random.Philox(
            key=np.array([SEED, number], np.uint64),
            counter=np.array([0, 0, epoch, position], np.uint64),
        )
    )


def levels(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    drawn = rng.integers(0, 256, shape, np.uint8)
    rng.integers(2**31, dtype=np.uint32)  # Half a word is left.
    return drawn


@pytest.mark.parametrize("batched", [False, True])
def test_generators_are_philox_keyed_by_seed_and_example(batched: bool) -> None:
    def noise(image: np.ndarray, rng: Any) -> np.ndarray:
        if batched:
            return np.stack([levels(one, image.shape[1:]) for one in rng])
        return levels(rng, image.shape)

    images = functions.numbered(20)
    ids = np.arange(100, 120)
    for position in (0, 2, 63):
        made, _ = outcome([call(noise, position=position, batched=batched)], images, ids)
        for number, image in zip(ids, made, strict=True):
            expected = levels(generator(int(number), position), image.shape)
            np.testing.assert_array_equal(image, expected)


def test_an_example_draws_the_same_whatever_came_before_it() -> None:
    def thirsty(image: np.ndarray, rng: Any) -> np.ndarray:
        rng.random(int(image[0, 0, 0]) * 3 + 1)
        rng.integers(2**31, dtype=np.uint32)  # Half a word is left.
        image[0, 0, 1] = rng.integers(0, 256)
        return image

    images = functions.numbered(9)
    whole, _ = outcome([call(thirsty)], images)
    for i in (8, 0, 4):
        one, _ = outcome([call(thirsty)], images[i : i + 1], [i])
        np.testing.assert_array_equal(one[0], whole[i])


def test_functions_get_copies_and_follow_each_other() -> None:
    images = functions.numbered(4)
    before = images.copy()
    kept = []

    def add(image: np.ndarray, rng: Any) -> np.ndarray:
        image += 1
        kept.append(image)
        return image

    made, failure = outcome([call(add), call(add), call(add, batched=True)], images)
    assert failure is None
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(made, images + np.uint8(3))
    # What a function keeps is its own for good.
    np.testing.assert_array_equal(kept[0], before[0] + np.uint8(1))


def test_arguments_reach_the_function() -> None:
    made, _ = outcome(
        [call(lambda image, rng, by=1, to=0: image // by + to, arguments={"by": 2, "to": 5})],
        functions.numbered(3),
    )
    np.testing.assert_array_equal(made, functions.numbered(3) // 2 + np.uint8(5))


def test_a_failure_names_the_example_and_carries_message_and_traceback() -> None:
    _, failure = outcome([call(functions.dark, "dark")], functions.numbered(9), range(40, 49))
    assert failure is not None
    line = functions.dark.__code__.co_firstlineno + 3
    assert failure.headline == (
        f"op dark fails on example train_00043: ZeroDivisionError: no light (functions.py, "
        f"line {line})"
    )
    assert failure.details.startswith("Traceback (most recent call last):\n  File")
    assert failure.details.count("File") == 1
    assert failure.details.endswith("ZeroDivisionError: no light\nat all\n")
    assert isinstance(failure.cause, ZeroDivisionError)


def test_a_batch_that_fails_names_the_example_that_does() -> None:
    def whole(images: np.ndarray, rngs: Any) -> np.ndarray:
        for image, rng in zip(images, rngs, strict=True):
            functions.dark(image, rng)
        return images

    _, failure = outcome([call(whole, batched=True)], functions.numbered(9))
    assert failure is not None
    assert failure.headline.startswith("op mine fails on example train_00003: ZeroDivisionError")


def test_a_batch_that_fails_only_as_a_whole_names_all() -> None:
    def whole(images: np.ndarray, rngs: Any) -> np.ndarray:
        assert len(images) < 2
        return images

    _, failure = outcome([call(whole, batched=True)], functions.numbered(9))
    assert failure is not None
    assert failure.headline.startswith(
        "op mine fails on examples train_00000 to train_00008: AssertionError: assert 9 < 2 "
    )


@pytest.mark.parametrize(
    ("function", "output", "message"),
    [
        (lambda image, rng: None, "uint8", "returned object of shape [], and must return uint8 of"),
        (
            lambda image, rng: image[:4],
            "uint8",
            "returned uint8 of shape [4, 8, 3], and must return uint8 of shape [8, 8, 3]",
        ),
        (
            lambda image, rng: image / 2,
            "uint8",
            "returned float64 of shape [8, 8, 3], and must return uint8 of shape [8, 8, 3]; round "
            "and convert it, or register the function with output='float32'",
        ),
        (
            lambda image, rng: image / 2,
            "float32",
            "returned float64 of shape [8, 8, 3], and must return float32 of shape [8, 8, 3]",
        ),
        (
            lambda image, rng: image.astype(np.int16),
            "uint8",
            "returned int16 of shape [8, 8, 3], and must return uint8 of shape [8, 8, 3]",
        ),
    ],
    ids=["nothing", "shape", "floats", "long floats", "integers"],
)
def test_a_wrong_result_is_named(function: Any, output: str, message: str) -> None:
    _, failure = outcome([call(function, output=output)], functions.numbered(3), dtype=output)
    assert failure is not None
    assert failure.headline.startswith(f"op mine on example train_00000 {message}")
    assert failure.details == ""


def test_what_numpy_takes_for_an_array_is_one() -> None:
    from PIL import Image

    images = functions.numbered(3)
    made, failure = outcome([call(lambda image, rng: Image.fromarray(image))], images)
    assert failure is None
    np.testing.assert_array_equal(made, images)


@pytest.mark.parametrize("error", [SystemExit, StopIteration, GeneratorExit, MemoryError])
def test_nothing_a_function_raises_ends_anything_else(error: type[BaseException]) -> None:
    def leave(image: Any, rng: Any) -> Any:
        raise error

    for batched in (False, True):
        _, failure = outcome([call(leave, batched=batched)], functions.numbered(2))
        assert failure is not None
        assert failure.headline.startswith(
            f"op mine fails on example train_00000: {error.__name__} (test_function_calls.py, line "
        )


def test_an_interrupt_is_no_failure_of_the_function() -> None:
    def interrupted(image: Any, rng: Any) -> Any:
        raise KeyboardInterrupt

    for batched in (False, True):
        with pytest.raises(KeyboardInterrupt):
            outcome([call(interrupted, batched=batched)], functions.numbered(2))


def test_test_examples_are_named_as_such() -> None:
    images = functions.numbered(5)
    keys = draws.example_keys(np.arange(5), "test")
    failure = run([call(functions.dark, "dark")], 0, images, images.copy(), keys, 0)
    assert failure is not None
    assert "example test_00003: " in failure.headline
