"""Notebooks: cells that import the package or register functions are run again."""

import importlib
from typing import Any

import pytest
import tensorflow_datasets as tfds

import cifar10_aug
from cifar10_aug import RegistrationError, cifar10_aug_sample_dataset_builder, reimport
from cifar10_aug.builder import AugmentedBuilder
from tests import functions, programs
from tests.registering import registered
from tests.test_pipeline import by_id


def load(data_dir: str, recipe: str = "rotate30+erase", **kwargs: Any) -> dict[bytes, bytes]:
    ds = tfds.load(f"cifar10_aug/{recipe}", split="train[:20]", data_dir=data_dir, **kwargs)
    return by_id(ds)


def test_the_cell_that_imports_can_be_run_again(data_dir: str) -> None:
    expected = load(data_dir)
    with registered(speckle=functions.speckle):
        again = importlib.reload(cifar10_aug)
        assert again is cifar10_aug
        assert load(data_dir) == expected
        # What is registered stays.
        assert load(data_dir, "speckle", builder_kwargs={"n_jobs": 1}) != expected


def test_a_builders_module_can_be_loaded_again(data_dir: str) -> None:
    """As IPython's autoreload does when the file has changed."""
    module = cifar10_aug_sample_dataset_builder
    before = module.Builder
    try:
        assert importlib.reload(module).Builder is not before
        assert tfds.builder_cls("cifar10_aug_sample") is module.Builder
    finally:
        reimport.forget(module.Builder)
        module.Builder = before  # type: ignore[misc]
        tfds.core.registered._DATASET_REGISTRY["cifar10_aug_sample"] = before
        tfds.core.registered._MODULE_TO_DATASETS[module.__name__] = [before]


def test_builders_of_other_packages_are_not_forgotten() -> None:
    mnist = tfds.builder_cls("mnist")
    known = dict(tfds.core.registered._DATASET_REGISTRY)

    class Other(AugmentedBuilder, skip_registration=True):
        pass

    assert issubclass(Other, AugmentedBuilder)
    assert known == tfds.core.registered._DATASET_REGISTRY
    assert tfds.builder_cls("mnist") is mnist


PROGRAM = """
import hashlib, sys, warnings
import numpy as np
import tensorflow_datasets as tfds
import cifar10_aug

data_dir, = sys.argv[1:]
def pixels(ds):
    return hashlib.sha256(b"".join(b["image"].tobytes() for b in ds.as_numpy_iterator())).digest()
def load(recipe, version="", **kwargs):
    return tfds.load(f"cifar10_aug/{recipe}{version}", split="train[:40]", batch_size=20,
                     data_dir=data_dir, builder_kwargs=kwargs)
def halve(image, rng):
    return image // 2

cifar10_aug.register("halve", halve)
old = cifar10_aug
kept = load("halve", n_jobs=2)
expected = pixels(load("rotate30+erase")), pixels(load("plain")), pixels(kept)

for _ in range(2):
    for name in [name for name in sys.modules if name.split(".")[0] == "cifar10_aug"]:
        del sys.modules[name]
    import cifar10_aug
    assert cifar10_aug is not old

    # The new package is in charge, and what is loaded from the old one goes on.
    assert tfds.builder_cls("cifar10_aug") is cifar10_aug.cifar10_aug_dataset_builder.Builder
    module = cifar10_aug.cifar10_aug_dataset_builder
    assert tfds.core.registered._MODULE_TO_DATASETS[module.__name__] == [module.Builder]
    for version in ("", ":1.0.0"):
        assert pixels(load("rotate30+erase", version)) == expected[0]
    assert pixels(kept) == expected[2]
    for version in ("", ":1.0.0"):
        try:
            load("halve", version)
        except cifar10_aug.RecipeError as error:
            assert "there is no op 'halve'" in str(error), error
        else:
            raise AssertionError("it is registered where it was not")
    cifar10_aug.register("halve", halve)
    assert pixels(load("halve", n_jobs=2)) == expected[2]
    from tensorflow_datasets.core import load as tfds_load
    assert not hasattr(tfds_load._try_load_from_files_first.__wrapped__, "code_first")
print("again and again")
"""


@pytest.mark.slow
def test_a_package_that_is_deleted_and_imported_anew_takes_over(data_dir: str) -> None:
    done = programs.run("-c", PROGRAM, data_dir)
    assert done.stdout == "again and again\n", done.stderr


CELL = """
@cifar10_aug.register("tint"{how})
def tint(image, rng, by={by}):
    return np.clip(image.astype(int) + by, 0, 255).astype(np.uint8)
"""


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_cell_that_registers_can_be_run_again_on_purpose(data_dir: str, n_jobs: int) -> None:
    import numpy as np

    main = {"__name__": "__main__", "cifar10_aug": cifar10_aug, "np": np}

    def made() -> dict[bytes, bytes]:
        return load(data_dir, "tint", builder_kwargs={"n_jobs": n_jobs})

    with registered():
        exec(CELL.format(how="", by=5), main)
        first = made()
        with pytest.raises(RegistrationError) as error:
            exec(CELL.format(how="", by=9), main)
        assert str(error.value) == (
            "'tint' is registered already, as tint; choose another name, or say replace=True"
        )
        assert made() == first
        exec(CELL.format(how=", replace=True", by=9), main)
        second = made()
        assert second != first
        # A cell that is run again as it stands changes nothing.
        exec(CELL.format(how=", replace=True", by=9), main)
        assert made() == second


def test_lambdas_of_cells_are_told_apart(data_dir: str) -> None:
    def made() -> dict[bytes, bytes]:
        return load(data_dir, "cell", builder_kwargs={"n_jobs": 2})

    with registered():
        cifar10_aug.register("cell", lambda image, rng: image // 2)
        halves = made()
        with pytest.raises(RegistrationError, match=r"'cell' is registered already, as .*<lambda>"):
            cifar10_aug.register("cell", lambda image, rng: image // 3)
        cifar10_aug.register("cell", lambda image, rng: image // 3, replace=True)
        assert made() != halves


def test_a_pipeline_that_is_loaded_keeps_the_function_it_was_loaded_with(data_dir: str) -> None:
    with registered(cell=lambda image, rng: image // 2):
        ds = tfds.load(
            "cifar10_aug/cell",
            split="train[:20]",
            data_dir=data_dir,
            builder_kwargs={"n_jobs": 2},
        )
        first = by_id(ds)
        cifar10_aug.register("cell", lambda image, rng: image // 3, replace=True)
        assert by_id(ds) == first
