"""Labels that are not quite sure."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from cifar10_aug.ops.base import LabelOp
from cifar10_aug.ops.fields import NumberField, option


@dataclasses.dataclass(frozen=True)
class LabelSmooth(LabelOp):
    """Spreads a share of each label evenly over all classes (Szegedy et al., arXiv:1512.00567).

    A label becomes (1 - smoothing) of itself and smoothing / classes of every class, float32, as
    PyTorch's `label_smoothing` does in the loss. Splits that are not augmented keep whole labels.
    """

    name: ClassVar[str] = "labelsmooth"

    smoothing: float = option(
        NumberField(0.1, unit="share of the label", about="what all classes get together")
    )

    def kept(self) -> float:
        return 1.0 - self.smoothing
