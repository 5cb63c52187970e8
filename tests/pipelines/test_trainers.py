"""Two processes train one step together, each on its share."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests import programs
from tests.pipelines.test_service import free_port
from tests.trainer import ENGINES, WAYS, load, loss_of


@pytest.mark.slow
def test_trainers_have_disjoint_shares_and_the_same_step(data_dir: str, tmp_path: Path) -> None:
    addresses = [f"localhost:{free_port()}" for _ in range(2)]
    arguments = ["-m", "tests.trainer", data_dir, tmp_path, *addresses]
    done = programs.python(*arguments, env={"TF_CPP_MIN_LOG_LEVEL": "0"})
    assert "shard" not in done.stderr.lower(), done.stderr
    ones, twos = (json.loads((tmp_path / f"{index}.json").read_text()) for index in range(2))
    examples = {
        example["id"].decode(): example
        for example in load(data_dir, "eager").unbatch().as_numpy_iterator()
    }
    assert len(ones) == len(ENGINES) * len(WAYS)
    for how, one in ones.items():
        two = twos[how]
        assert not set(one["seen"]) & set(two["seen"]), how
        assert sorted(one["seen"] + two["seen"]) == sorted(examples), how
        # The step is that of one process with both shares.
        expected = a_step([examples[name] for name in one["seen"][:10] + two["seen"][:10]])
        assert one["weights"] == pytest.approx(expected, rel=1e-4), how
        assert two["weights"] == pytest.approx(expected, rel=1e-4), how


def a_step(examples: list[dict[str, Any]]) -> float:
    """The sum of absolute weights after one step."""
    batch = {key: np.stack([example[key] for example in examples]) for key in ("image", "label")}
    weights = tf.Variable(tf.zeros([3072, 10]))
    with tf.GradientTape() as tape:
        loss = loss_of(weights, batch)
    weights.assign_sub(tape.gradient(loss, weights))
    return float(tf.reduce_sum(tf.abs(weights)))
