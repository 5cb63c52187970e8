"""Epochs that the workers of a tf.data service make."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def distribute(
    dataset: tf.data.Dataset,
    service: str,
    *,
    compression: str | None = "AUTO",
    max_outstanding_requests: int | None = None,
) -> tf.data.Dataset:
    """The same epochs, made by the workers of a tf.data service.

    Each iteration hands the service the next epoch, whose batches the workers share out among
    them. They come in no fixed order, each once. A worker that dies takes along those that it has
    under way; when the others have nothing left, it is waited for at the same host and port, and is
    an error after a minute without a batch. Workers need
    TensorFlow, and the prepared files under the same path, but not this package. Several trainers
    load shares (`ReadConfig(input_context=…)`); each distributes its own.

        >>> import tensorflow as tf
        >>> import tensorflow_datasets as tfds
        >>> import cifar10_aug
        >>> service = tf.data.experimental.service
        >>> dispatcher = service.DispatchServer()
        >>> address = dispatcher.target.split("//")[1]
        >>> worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=address))
        >>> train = tfds.load(
        ...     "cifar10_aug_sample/flip",
        ...     split="train",
        ...     batch_size=1000,
        ...     builder_kwargs={"engine": "graph"},
        ... )
        >>> len(list(cifar10_aug.distribute(train, dispatcher.target)))
        4

    Args:
        dataset: what `tfds.load` or `as_dataset` has returned, with `engine="graph"`; map, take or
            repeat what this function returns.
        service: the dispatcher, such as "grpc://host:5000".
        compression: of batches on their way, "AUTO", "SNAPPY" or None, as TensorFlow's `distribute`
            has it.
        max_outstanding_requests: how many batches may be under way; None leaves it to TensorFlow.

    Returns:
        A dataset of the same elements and epochs. Beginning an epoch is an error if the dispatcher
        or a worker does not answer within 30 seconds, and so is waiting for a batch.

    Raises:
        ValueError: if the dataset is another one, or the service is no address.
        ConnectionError: if the dispatcher or a worker does not answer within 30 seconds.
    """
    from cifar10_aug.pipelines import distributing

    return distributing.distributed(dataset, service, compression, max_outstanding_requests)
