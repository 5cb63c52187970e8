"""Datasets whose epochs differ are not loaded while a graph is built."""

from __future__ import annotations

import tensorflow as tf


def check(what: str) -> None:
    """Raises a `RuntimeError` inside a `tf.function`, a function of tf.data's or a `tf.Graph`.

    There a dataset is made anew whenever the function is called, or an iterator initialised, and
    so begins with the same epoch each time.

    Args:
        what: is loaded.
    """
    if tf.executing_eagerly():
        return
    place, time = (
        ("a tf.function, or in a function that tf.data calls,", "call")
        if tf.inside_function()
        else ("a tf.Graph,", "initialisation of an iterator")
    )
    raise RuntimeError(
        f"{what} is loaded inside {place} where each {time} would give the first epoch again; "
        "load it before, outside"
    )
