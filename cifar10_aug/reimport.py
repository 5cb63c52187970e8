"""Lets the package be imported anew in a process, as in a notebook that is started over by hand."""

from __future__ import annotations

from tensorflow_datasets.core import registered


def forget(builder: type) -> None:
    """Makes TFDS forget a builder of the same module and name, which `builder` takes the place of.

    TFDS 4.9.10 refuses to register one again, but for Jupyter's own processes.
    """

    def same(known: type) -> bool:
        names = builder.__module__, builder.__qualname__
        return (known.__module__, known.__qualname__) == names

    for name, known in list(registered._DATASET_REGISTRY.items()):
        if same(known):
            del registered._DATASET_REGISTRY[name]
    beside = registered._MODULE_TO_DATASETS[builder.__module__]
    beside[:] = [known for known in beside if not same(known)]
