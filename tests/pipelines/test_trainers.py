"""Two processes train one step together, each on its share."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.pipelines.test_service import free_port
from tests.trainer import ENGINES, WAYS, load, loss_of

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_trainers_have_disjoint_shares_and_the_same_step(data_dir: str) -> None:
    workers = [f"localhost:{free_port()}" for _ in range(2)]
    running = []
    for index in range(2):
        config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.trainer", data_dir],
                cwd=ROOT,
                env={**os.environ, "TF_CONFIG": json.dumps(config), "TF_CPP_MIN_LOG_LEVEL": "0"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        results = [process.communicate(timeout=180) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    for process, (_, errors) in zip(running, results, strict=True):
        assert process.returncode == 0, errors
        assert "shard" not in errors.lower(), errors
    ones, twos = (json.loads(out.splitlines()[-1]) for out, _ in results)
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
    """The sum of absolute weights behind one step."""
    batch = {key: np.stack([example[key] for example in examples]) for key in ("image", "label")}
    weights = tf.Variable(tf.zeros([3072, 10]))
    with tf.GradientTape() as tape:
        loss = loss_of(weights, batch)
    weights.assign_sub(tape.gradient(loss, weights))
    return float(tf.reduce_sum(tf.abs(weights)))
