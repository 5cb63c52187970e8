"""`tfds.show_examples` on elements that hold several images, the views of an example.

TFDS 4.9 shows features of one image only. This can go once it shows more.
"""

from __future__ import annotations

import importlib
from typing import Any

import tensorflow_datasets as tfds


class _ViewsVisualizer(tfds.visualization.ImageGridVisualizer):
    """Shows the views of an example side by side."""

    def __init__(self, kind: type[tfds.features.Image]):
        """Takes the feature that can hold views, [views, height, width, 3]."""
        self._kind = kind

    def match(self, ds_info: tfds.core.DatasetInfo) -> bool:
        return bool(self._keys(ds_info))

    def show(self, ds: Any, ds_info: tfds.core.DatasetInfo, **options: Any) -> Any:
        import tensorflow as tf

        (key,) = self._keys(ds_info)

        def side_by_side(example: Any) -> Any:
            return {**example, key: tf.concat(tf.unstack(example[key]), axis=1)}

        ds = ds.map(tf.autograph.experimental.do_not_convert(side_by_side))
        return super().show(ds, ds_info, **{"image_key": key, **options})

    def _keys(self, ds_info: tfds.core.DatasetInfo) -> list[str]:
        found = ds_info.features.items()
        return [key for key, one in found if isinstance(one, self._kind) and len(one.shape) == 4]


def install(kind: type[tfds.features.Image]) -> None:
    """Makes `tfds.show_examples` show the views that such a feature holds."""
    # The package has a function of this name, too.
    module = importlib.import_module("tensorflow_datasets.core.visualization.show_examples")
    module._ALL_VISUALIZERS.insert(0, _ViewsVisualizer(kind))
