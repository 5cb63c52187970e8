"""Two processes train one step together, each on its share."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.test_service import free_port
from tests.trainer import load, loss_of

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("way", ["shares", "sharded by the strategy"])
@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_trainers_have_disjoint_shares_and_the_same_step(
    data_dir: str, engine: str, way: str
) -> None:
    workers = [f"localhost:{free_port()}" for _ in range(2)]
    running = []
    for index in range(2):
        config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.trainer", data_dir, engine, way],
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
    one, two = (json.loads(out.splitlines()[-1]) for out, _ in results)
    assert not set(one["seen"]) & set(two["seen"])
    assert sorted(one["seen"] + two["seen"]) == [f"train_{i:05d}" for i in range(100)]

    # The step is that of one process with both shares.
    weights = tf.Variable(tf.zeros([3072, 10]))
    first = {*one["seen"][:10], *two["seen"][:10]}
    taken = [
        batch
        for batch in load(data_dir, engine).unbatch().as_numpy_iterator()
        if batch["id"].decode() in first
    ]
    batch = {key: np.stack([example[key] for example in taken]) for key in ("image", "label")}
    with tf.GradientTape() as tape:
        loss = loss_of(weights, batch)
    weights.assign_sub(tape.gradient(loss, weights))
    expected = float(tf.reduce_sum(tf.abs(weights)))
    assert one["weights"] == pytest.approx(expected, rel=1e-4)
    assert two["weights"] == pytest.approx(expected, rel=1e-4)
