"""The weights of Gaussians, the same on every machine."""

from __future__ import annotations

import functools
import statistics

import numpy as np

from cifar10_aug.rng import elementary


def weights(sigma: np.ndarray, widest: float, deviations: float = 3.0) -> np.ndarray:
    """The weights of pixels 0, 1, 2, … from the centre; with those on both sides they sum to 1.

    Args:
        sigma: the deviations in pixels, [n].
        widest: the greatest there can be.
        deviations: where the Gaussian is cut off.

    Returns:
        float64 [n, ceil(deviations * widest) + 1].
    """
    distance = np.arange(int(np.ceil(deviations * widest)) + 1)
    # Narrower than this, the neighbours weigh nothing.
    narrow = np.maximum(sigma, 0.05)[:, None]
    exponent = np.maximum(-0.5 * (distance / narrow) ** 2, -600.0)
    heights = elementary.exponential(exponent)
    heights[distance > np.ceil(deviations * narrow)] = 0.0
    return heights / (2 * heights.sum(axis=1, keepdims=True) - heights[:, :1])


@functools.cache
def quantiles() -> np.ndarray:
    """The middle of each 65,536th of the normal distribution, float64."""
    normal = statistics.NormalDist()
    lower = [normal.inv_cdf((i + 0.5) / 65536) for i in range(32768)]
    # Rounded, so that they are the same on every machine.
    half = np.round(np.array(lower), 9)
    return np.concatenate([half, -half[::-1]])
