"""How a dataset ends, whatever makes its batches."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from cifar10_aug.pipelines.epochs import of_length


@dataclasses.dataclass(frozen=True)
class Finish:
    """What is done to a dataset of one epoch, so that users get it.

    Attributes:
        repeat: go on with the next epoch for ever.
        options: the user's.
        prefetch: whether to make batches ahead of their use.
        known_length: whether the dataset says how many elements an epoch has.
        sharded: whether it is one of several input pipelines.
    """

    repeat: bool = False
    options: tf.data.Options | None = None
    prefetch: bool = True
    known_length: bool = True
    sharded: bool = False

    def of(self, ds: tf.data.Dataset, length: int) -> tf.data.Dataset:
        """A dataset of one epoch, of `length` elements, as users get it."""
        if self.repeat:
            ds = ds.repeat()
            # So that the next epoch begins while this one ends.
            ds = ds.prefetch(tf.data.AUTOTUNE) if self.prefetch else ds
        elif self.known_length:
            ds = of_length(ds, length)
        return ds.with_options(tuned(self.options, sharded=self.sharded))


def tuned(user: tf.data.Options | None, *, sharded: bool) -> tf.data.Options:
    """The user's options, with ours, which avoid what TensorFlow 2.21 was seen to do.

    The pipeline does not tune itself. One that does at times ends late: it waits for its tuning
    thread, for up to as long again as the epoch has taken.
    """
    ours = tf.data.Options()
    ours.autotune.enabled = False
    # A strategy that shards finds no files to share out, and leaves what is a share already.
    policies = tf.data.experimental.AutoShardPolicy
    policy = policies.OFF if sharded else policies.DATA
    ours.experimental_distribute.auto_shard_policy = policy
    return ours if user is None else ours.merge(user)
