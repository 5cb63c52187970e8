"""What the documents and the project's own files promise."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow.core.example import example_pb2

import cifar10_aug
from cifar10_aug.cli import main
from cifar10_aug.data import sample
from cifar10_aug.data.spec import SAMPLE
from cifar10_aug.ops import OPS
from cifar10_aug.recipes.presets import NAMED
from cifar10_aug.recipes.recipe import Config
from tests import programs
from tests.registering import registered

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
# By the folder that their links start from.
DOCUMENTS = {ROOT: README, ROOT / "scripts": (ROOT / "scripts" / "README.md").read_text()}
EVERYTHING = "\n".join(DOCUMENTS.values())


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return listed.stdout.splitlines()


def commands() -> list[str]:
    """The lines of the documents' blocks of commands."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", EVERYTHING, re.DOTALL | re.MULTILINE)
    return [line for language, block in blocks if not language for line in block.splitlines()]


def anchor(heading: str) -> str:
    """What a link to a heading ends with, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 300


def test_the_top_level_is_as_agreed() -> None:
    top = {name.split("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} == {
        *("pyproject.toml", "cifar10_aug", "tests", "scripts"),
        *("README.md", "CHANGELOG.md", "LICENSE"),
    }


def test_every_op_preset_and_command_is_in_the_readme() -> None:
    for name in (*OPS, *NAMED):
        assert f"`{name}`" in README, name
    for command in main.commands:
        assert f"cifar10-aug {command}" in README, command


def test_every_recipe_in_the_readme_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    names = re.findall(r'"cifar100?_aug(?:_sample)?/([^"/]+)"', EVERYTHING)
    names += re.findall(r'(?:Loader|augment|preview|parse)\("([^"]+)"', README)
    assert len(names) > 15
    monkeypatch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")
    with registered():
        runpy.run_path(str(ROOT / "scripts" / "example_functions.py"))
        for name in names:
            if name not in ("RECIPE", "…"):
                Config.parse(name)


@pytest.mark.slow
def test_the_readmes_python_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    runnable = [block for block in blocks if "# runs as it stands" in block]
    assert runnable
    for block in runnable:
        env = {"TFDS_DATA_DIR": str(tmp_path), "NO_ALBUMENTATIONS_UPDATE": "1"}
        block = block.replace("epochs=5", "epochs=1")
        programs.run("-c", block, check=True, cwd=tmp_path, env={**os.environ, **env})


def test_the_readmes_function_is_that_of_the_script() -> None:
    script = (ROOT / "scripts" / "example_functions.py").read_text()
    (function,) = re.findall(r'^@cifar10_aug.register\("sepia"\)\n(?:.+\n)+', README, re.MULTILINE)
    assert function in script


def test_the_readmes_way_to_read_frozen_epochs_needs_tensorflow_alone(tmp_path: Path) -> None:
    (block,) = re.findall(
        r"```python\n# runs where there is only TensorFlow\n(.*?)```", README, re.S
    )
    builder = cifar10_aug.cifar10_aug_sample_dataset_builder.Builder(
        config="rotate30+erase-x5", data_dir=tmp_path, n_jobs=1
    )
    builder.download_and_prepare()
    program = block.replace("DIR", str(tmp_path)).replace("/cifar10_aug/", "/cifar10_aug_sample/")
    program += """
import sys
import numpy as np
assert not {"cifar10_aug", "tensorflow_datasets"} & set(sys.modules)
batches = list(train)
np.savez("read.npz", images=np.concatenate([b[0] for b in batches]),
         labels=np.concatenate([b[1] for b in batches]))
"""
    programs.run("-c", program, check=True, cwd=tmp_path)
    read = np.load(tmp_path / "read.npz")
    images, labels = sample.read().train.images, sample.read().train.labels
    recipe = cifar10_aug.Recipe.parse("rotate30+erase").on(SAMPLE)
    for epoch in range(5):
        copy = slice(epoch * len(images), (epoch + 1) * len(images))
        assert (read["images"][copy] == recipe(images, epoch=epoch)).all()
        assert (read["labels"][copy] == labels).all()


def test_the_readmes_table_is_the_schema_of_frozen_epochs(tmp_path: Path) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (?:\w+)", README.split("| feature |")[1].split("```")[0], re.M
    )
    sizes = {"rotate30-x1": (3072, "int64_list"), "mixup+rescale-x1": (12288, "float_list")}
    for config, (size, kind) in sizes.items():
        builder = cifar10_aug.cifar10_aug_sample_dataset_builder.Builder(
            config=config, data_dir=tmp_path, n_jobs=1
        )
        builder.download_and_prepare()
        for split, number in (("train", 3000), ("test", 900)):
            records = [
                example_pb2.Example.FromString(record.numpy())
                for record in tf.data.TFRecordDataset(
                    sorted(map(str, Path(builder.data_dir).glob(f"*-{split}.tfrecord-*")))
                )
                .skip(number)
                .take(1)
            ]
            (features,) = (record.features.feature for record in records)
            assert sorted(features) == sorted(set(rows) - {"coarse_label"})
            assert features["id"].bytes_list.value == [f"{split}_{number:05}".encode()]
            assert len(features["image"].bytes_list.value[0]) == size
            assert features["copy"].int64_list.value == [0]
            assert features["label"].WhichOneof("kind") == kind


def test_files_and_headings_that_documents_name_exist() -> None:
    for name in re.findall(r"(?:bash |python )((?:scripts|\.ci)/[\w./+-]+)", EVERYTHING):
        assert (ROOT / name).exists(), name
    headings = {
        (folder / "README.md").resolve(): set(map(anchor, re.findall(r"^#+ (.*)$", text, re.M)))
        for folder, text in DOCUMENTS.items()
    }
    for folder, text in DOCUMENTS.items():
        links = re.findall(r"\]\(((?!https?:)[^)\s]+)\)", text)
        assert len(links) > 5
        for link in links:
            name, _, part = link.partition("#")
            path = (folder / (name or "README.md")).resolve()
            assert path.exists(), link
            assert not part or part in headings[path], link


def test_git_ignores_what_the_readmes_commands_write() -> None:
    written = re.findall(r"([\w./]+\.(?:png|json))$", "\n".join(commands()), re.MULTILINE)
    written += re.findall(r"--out ([\w./]+)", EVERYTHING)
    assert {"sheet.png", "benchmark.json", "chart.png"} <= set(written)
    for name in (*written, "preview.png", "gallery.html", "study/study.json", "training/curve.png"):
        ignored = subprocess.run(["git", "check-ignore", "--quiet", name], cwd=ROOT, check=False)
        assert ignored.returncode == 0, name


def test_ci_runs_the_readmes_commands() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    commands = re.findall(r"^bash scripts/\w+\.sh$", README, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert command in ci


def test_every_pinned_version_is_exact() -> None:
    lines = (ROOT / "scripts" / "constraints.txt").read_text().splitlines()
    assert all(re.match(r"#|[\w.-]+==[\w.]+( ;|$)", line) for line in lines)


def test_no_file_names_a_place_on_one_machine() -> None:
    for name in tracked():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".sh", ".txt"):
            # Spelled in two parts, so that this file passes too.
            assert not re.search("/(root|home)" + "/", path.read_text()), name


@pytest.mark.slow
def test_the_tfds_command_writes_frozen_epochs_as_the_readme_says(tmp_path: Path) -> None:
    (told,) = re.findall(r"`tfds build cifar10_aug/(.*) DIR`", README)
    command = ["tfds", "build", *f"cifar10_aug_sample/{told}".split(), str(tmp_path)]
    command[0] = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "cifar10_aug_sample" / told.split()[0] / "1.0.0"
    assert tfds.builder_from_directory(folder).info.splits["train"].num_examples == 5 * 4000
