"""Which records of which files a split argument names."""

from __future__ import annotations

from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core.splits import AbstractSplit
from tensorflow_datasets.core.utils import shard_utils


def named(info: tfds.core.DatasetInfo, split: Any) -> list[shard_utils.FileInstruction]:
    """Consecutive records of files, in order.

    Raises:
        ValueError: if the split argument is wrong.
    """
    return [
        instruction
        for piece in AbstractSplit.from_spec(split).to_absolute(info.splits)
        for instruction in shard_utils.get_file_instructions(
            piece.from_ or 0,
            info.splits[piece.splitname].num_examples if piece.to is None else piece.to,
            [str(path) for path in info.splits[piece.splitname].filepaths],
            info.splits[piece.splitname].shard_lengths,
        )
    ]


def length(piece: shard_utils.FileInstruction) -> int:
    """How many records a piece has."""
    return int(piece.examples_in_shard - piece.skip if piece.takes_all else piece.take)
