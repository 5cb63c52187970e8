"""Where lines that neighbours are summed along are read outside the image.

Each function takes places, whole numbers of which 0 to size - 1 are inside, and says which pixel is
there: one by one, compiled, or as int64 arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def reflected(at: Any, size: int) -> Any:
    """The edge is repeated: cba|abcd|dcb."""
    double = abs(2 * at + 1) % (4 * size)
    return np.minimum(double, 4 * size - double) // 2


def clamped(at: Any, size: int) -> Any:
    """The edge goes on: aaa|abcd|ddd."""
    return np.minimum(np.maximum(at, 0), size - 1)


def mirrored(at: Any, size: int) -> Any:
    """The edge is not repeated: dcb|abcd|cba."""
    period = max(2 * (size - 1), 1)
    away = abs(at) % period
    return np.minimum(away, period - away)
