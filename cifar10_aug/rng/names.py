"""What examples are called."""

from __future__ import annotations

import numpy as np

DIGITS = 5


def example_id(split: str, number: int) -> str:
    """What the `number`-th example of a split is called, such as "train_00042"."""
    return f"{split}_{number:0{DIGITS}d}"


def example_ids(split: str, numbers: np.ndarray) -> np.ndarray:
    """`example_id` of many: bytes [n], for numbers below 100,000."""
    assert numbers.max(initial=0) < 10**DIGITS
    digits = numbers[:, None] // 10 ** np.arange(DIGITS)[::-1] % 10 + ord("0")
    prefix = np.frombuffer(f"{split}_".encode(), np.uint8)
    ids = np.empty((len(numbers), len(prefix) + DIGITS), np.uint8)
    ids[:, : len(prefix)] = prefix
    ids[:, len(prefix) :] = digits
    return ids.view(f"S{ids.shape[1]}").reshape(len(numbers))
