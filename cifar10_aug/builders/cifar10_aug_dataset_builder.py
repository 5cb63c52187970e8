"""CIFAR-10 under any recipe: `tfds.load("cifar10_aug/rotate30+erase")`."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from cifar10_aug.builders import paths
from cifar10_aug.builders.augmented import AugmentedBuilder
from cifar10_aug.data import prepared
from cifar10_aug.data.images import Cifar10
from cifar10_aug.data.prepared import PLAIN
from cifar10_aug.data.sources import choose, official
from cifar10_aug.data.sources.downloading import LIMITS
from cifar10_aug.data.spec import CIFAR10


class Builder(AugmentedBuilder):
    """CIFAR-10, augmented while it is read."""

    _description = (
        "CIFAR-10: 60,000 colour images of 32 x 32 pixels in ten classes, augmented by the recipe "
        "that the config is named after, for example rotate30+erase."
    )
    _homepage = "https://www.cs.toronto.edu/~kriz/cifar.html"
    _citation = """@techreport{krizhevsky2009learning,
  author = {Alex Krizhevsky},
  title = {Learning multiple layers of features from tiny images},
  institution = {University of Toronto},
  year = {2009}
}"""
    dataset = CIFAR10
    _published = official.CIFAR10
    _limits = LIMITS

    def __init__(
        self,
        *,
        source: str | os.PathLike[str] | None = None,
        mirror: str | None = None,
        **kwargs: Any,
    ):
        """Constructs the builder.

        Args:
            source: an archive (cifar-10-binary.tar.gz or cifar-10-python.tar.gz), the folder
                unpacked from one, or another form of it that the README lists; by default what
                CIFAR10_AUG_SOURCE holds.
            mirror: a URL to download cifar-10-binary.tar.gz or cifar-10-python.tar.gz from, instead
                of the usual ones; by default what CIFAR10_AUG_MIRROR holds.
            **kwargs: see `AugmentedBuilder`.
        """
        path = source if source is not None else choose.environment_source()
        self._source = choose.Source(
            paths.placed(os.fspath(path)) if path is not None else None,
            mirror or choose.environment_mirror(),
            self._published,
            self._limits,
        )
        super().__init__(**kwargs)
        self._original_state.update(source=self._source.path, mirror=self._source.mirror)

    def _read_source(self, downloads: choose.Downloads, manual_dir: Path) -> Cifar10:
        return self._source.read(
            self.name, self.data_dir_root, manual_dir, downloads, self._prepared_by_default
        )

    def _prepared_by_default(self) -> Cifar10 | None:
        """The images that are prepared in TFDS's default folder, if that is another one."""
        other = type(self)(config=PLAIN)
        here, there = (os.path.realpath(one.data_dir_root) for one in (self, other))
        if here == there or not other.is_prepared():
            return None
        images = prepared.read(other.info)
        logging.getLogger("cifar10_aug").warning(
            "Taking the images that are prepared in %s (%s %s).",
            other.data_dir,
            images.provenance.source,
            images.provenance.name,
        )
        return images

    def _check_prepared(self) -> None:
        self._source.check_prepared(
            self.data_dir, dict(self.info.metadata.items()), frozen=bool(self.builder_config.copies)
        )
