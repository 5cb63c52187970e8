"""What TFDS knows of prepared splits, without any files."""

from typing import NamedTuple

import tensorflow_datasets as tfds


class Share(NamedTuple):
    """An input pipeline, as `tf.distribute.InputContext` has it."""

    num_input_pipelines: int
    input_pipeline_id: int


def _split(name: str, lengths: list[int]) -> tfds.core.SplitInfo:
    template = tfds.core.ShardedFileTemplate(
        data_dir="/nowhere", dataset_name="cifar10_aug", split=name, filetype_suffix="tfrecord"
    )
    return tfds.core.SplitInfo(
        name=name, shard_lengths=lengths, num_bytes=0, filename_template=template
    )


SPLITS = tfds.core.splits.SplitDict([_split("train", [50, 53]), _split("test", [41])])
