"""The trainers of `test_trainers`: `DATA_DIR FOLDER ADDRESS ADDRESS`.

Each writes to `FOLDER/NUMBER.json`, for each engine and way to share a dataset out, what it read
and the weights after one step of training together. They are forked from one process, which
imports TensorFlow for both.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

import cifar10_aug  # noqa: F401

GLOBAL_BATCH = 20
ENGINES = ("eager", "graph")
WAYS = ("shares", "sharded by the strategy")


def load(data_dir: str, engine: str, context: Any = None) -> tf.data.Dataset:
    share = context.num_input_pipelines if context else 1
    return tfds.load(
        "cifar10_aug/brightness",
        split="train",
        batch_size=GLOBAL_BATCH // share,
        shuffle_files=True,
        data_dir=data_dir,
        read_config=tfds.ReadConfig(input_context=context),
        builder_kwargs={"engine": engine},
    )


def loss_of(weights: tf.Variable, batch: Any) -> tf.Tensor:
    levels = tf.cast(tf.reshape(batch["image"], [-1, 3072]), tf.float32) / 255.0
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(batch["label"], levels @ weights)
    return tf.reduce_sum(each) / GLOBAL_BATCH


def trained(strategy: tf.distribute.Strategy, data_dir: str, engine: str, way: str) -> Any:
    with strategy.scope():
        weights = tf.Variable(tf.zeros([3072, 10]))
    if way == "shares":
        ds = strategy.distribute_datasets_from_function(
            lambda context: load(data_dir, engine, context)
        )
    else:
        ds = strategy.experimental_distribute_dataset(load(data_dir, engine))

    @tf.function
    def step(batch: Any) -> None:
        def one(batch: Any) -> None:
            with tf.GradientTape() as tape:
                loss = loss_of(weights, batch)
            gradient = tape.gradient(loss, weights)
            context = tf.distribute.get_replica_context()
            total = context.all_reduce(tf.distribute.ReduceOp.SUM, gradient)
            weights.assign_sub(total)

        strategy.run(one, args=(batch,))

    seen: list[str] = []
    first = True
    for batch in ds:
        (local,) = strategy.experimental_local_results(batch["id"])
        seen.extend(name.decode() for name in local.numpy())
        if first:
            step(batch)
            first = False
    return {"seen": seen, "weights": float(tf.reduce_sum(tf.abs(weights)))}


def train(data_dir: str, out: Path) -> None:
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    found = {
        f"{engine}, {way}": trained(strategy, data_dir, engine, way)
        for engine in ENGINES
        for way in WAYS
    }
    out.write_text(json.dumps(found))


def main(data_dir: str, folder: str, *addresses: str) -> None:
    trainers = set()
    for index in range(len(addresses)):
        trainer = os.fork()
        if not trainer:
            task = {"type": "worker", "index": index}
            os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
            return train(data_dir, Path(folder) / f"{index}.json")
        trainers.add(trainer)
    while trainers:
        ended, status = os.wait()
        trainers.remove(ended)
        if status:
            # The others would wait for it.
            for trainer in trainers:
                os.kill(trainer, signal.SIGKILL)
            sys.exit(1)


if __name__ == "__main__":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    main(*sys.argv[1:])
