"""What TensorFlow makes of this package's Python."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow.python.autograph.impl import api

import cifar10_aug


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What AutoGraph rewrites, which takes seconds."""
    found: list[Any] = []
    convert = api._convert_actual

    def noted(entity: Any, *arguments: Any) -> Any:
        found.append(entity)
        return convert(entity, *arguments)

    monkeypatch.setattr(api, "_convert_actual", noted)
    return found


@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_pipelines_are_traced_without_autograph(
    engine: str, data_dir: str, converted: list[Any]
) -> None:
    options: dict[str, Any] = {"engine": engine}
    for how in (options, {**options, "jit_compile": True}) if engine == "graph" else (options,):
        ds = tfds.load(
            "cifar10_aug/flip+rotate", split="train[:9]", data_dir=data_dir, builder_kwargs=how
        )
        assert len(list(ds)) == 9
    assert converted == []
    # What users append is theirs.
    ds.map(lambda example: example["label"])
    assert converted


@pytest.mark.parametrize("jit_compile", [False, True])
def test_layers_are_traced_without_autograph(jit_compile: bool, converted: list[Any]) -> None:
    layer = cifar10_aug.Recipe.parse("flip+rotate").layer(jit_compile=jit_compile)
    traced = tf.function(lambda images: layer(images, training=True), autograph=False)
    assert traced(np.zeros((2, 32, 32, 3), np.uint8)).shape == (2, 32, 32, 3)
    ours = [one for one in converted if (one.__module__ or "").startswith("cifar10_aug.engines")]
    assert ours == []
