"""`import cifar10_aug` is quick, and `tfds.load` finds the datasets all the same.

Each program is a new process: what matters is what was imported before. Most may find TensorFlow
imported, which waits for nothing of ours.
"""

import sys
import types
from pathlib import Path

import pytest

from cifar10_aug._compat import lazy_registration
from tests import programs

OURS = "['cifar100_aug', 'cifar10_aug', 'cifar10_aug_sample']"


def said_by(*arguments: object) -> str:
    return programs.run(*arguments, check=True).stdout


@pytest.mark.parametrize(
    "use", ["import cifar10_aug", "import cifar10_aug; str(cifar10_aug.Recipe.parse('simclr'))"]
)
def test_neither_tfds_nor_tensorflow_is_imported(use: str) -> None:
    heavy = ("tensorflow", "tensorflow_datasets", "numba", "joblib", "PIL", "click", "requests")
    program = f"{use}\nimport sys\nprint([name for name in {heavy} if name in sys.modules])"
    assert programs.python("-c", program).stdout == "[]\n"


@pytest.mark.parametrize(
    "imports",
    [
        "import cifar10_aug; import tensorflow_datasets as tfds",
        "import tensorflow_datasets as tfds; import cifar10_aug",
        "import tensorflow_datasets as tfds; tfds.builder_cls('mnist'); import cifar10_aug",
        # Modules of ours that import TFDS themselves, half-way.
        "import cifar10_aug.frozen.freezing; import tensorflow_datasets as tfds",
        "import cifar10_aug.builders.augmented; import tensorflow_datasets as tfds",
    ],
)
def test_datasets_are_found_in_every_order(imports: str, data_dir: str) -> None:
    program = f"""
{imports}
print([tfds.builder_cls(name).name for name in {OURS}])
builder = tfds.builder("cifar10_aug/rotate30+erase", data_dir={data_dir!r}, version="1.0.0")
print(builder.recipe.name, builder.info.splits["train"].num_examples)
"""
    assert said_by("-c", program) == f"{OURS}\nrotate30+erase 100\n"


def test_names_are_listed_and_functions_may_be_imported_later(data_dir: str) -> None:
    program = f"""
import cifar10_aug
from tensorflow_datasets import list_builders, load
print([name for name in list_builders() if "_aug" in name])
print(len(load("cifar10_aug/flip", split="train", batch_size=50, data_dir={data_dir!r})))
"""
    assert said_by("-c", program) == f"{OURS}\n2\n"


SPAWNING = """
import multiprocessing
import sys
import cifar10_aug

def prepared(builder):
    return builder.name, builder.is_prepared(), [name for name in sys.argv[2:]]

def found(data_dir):
    import tensorflow_datasets as tfds
    return tfds.builder("cifar10_aug/flip", data_dir=data_dir).recipe.name

if __name__ == "__main__":
    import tensorflow_datasets as tfds
    builder = tfds.builder("cifar10_aug/rotate", data_dir=sys.argv[1])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(prepared, [builder]), pool.apply(found, [sys.argv[1]]))
"""


def test_processes_that_are_spawned_find_them(data_dir: str, tmp_path: Path) -> None:
    program = tmp_path / "spawning.py"
    program.write_text(SPAWNING)
    assert said_by(program, data_dir) == "('cifar10_aug', True, []) flip\n"


def test_the_module_that_is_waited_for_is_found_as_without_us() -> None:
    program = """
import importlib.util
name = "tensorflow_datasets.core.registered"
import cifar10_aug
from tensorflow_datasets.core import registered
import inspect
print(type(registered.__loader__).__name__, registered.__spec__.origin == registered.__file__)
print("def list_imported_builders" in inspect.getsource(registered))
"""
    assert said_by("-c", program) == "SourceFileLoader True\nTrue\n"


def test_what_is_only_looked_for_is_waited_for_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "awaited_module.py").write_text("value = 1")
    monkeypatch.syspath_prepend(tmp_path)
    seen: list[int] = []

    def then(module: types.ModuleType) -> None:
        seen.append(module.value)

    waiting = lazy_registration._WhenImported("awaited_module", then)
    monkeypatch.setattr(sys, "meta_path", [waiting, *sys.meta_path])
    import importlib.util

    assert importlib.util.find_spec("awaited_module") is not None
    assert importlib.util.find_spec("module_that_is_nowhere") is None
    assert seen == []
    importlib.import_module("awaited_module")
    assert seen == [1]
    del sys.modules["awaited_module"]


def test_public_names_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import cifar10_aug

    assert dir(cifar10_aug) == sorted([*cifar10_aug.__all__, "__version__"])
    assert all(hasattr(cifar10_aug, name) for name in dir(cifar10_aug))
    with pytest.raises(AttributeError, match="module 'cifar10_aug' has no attribute 'lode'"):
        cifar10_aug.lode  # noqa: B018
