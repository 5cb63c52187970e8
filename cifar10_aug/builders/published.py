"""What the datasets of Krizhevsky 2009 have in common, which are read from published files."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, ClassVar

from cifar10_aug.builders import paths
from cifar10_aug.builders.augmented import AugmentedBuilder
from cifar10_aug.data import prepared
from cifar10_aug.data.images import LabelledSplits
from cifar10_aug.data.prepared import PLAIN
from cifar10_aug.data.sources import choose
from cifar10_aug.data.sources.downloading import LIMITS
from cifar10_aug.data.sources.official import Published


class PublishedBuilder(AugmentedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Images from published files, from what others have made of these, or from a download."""

    _homepage = "https://www.cs.toronto.edu/~kriz/cifar.html"
    _citation = """@techreport{krizhevsky2009learning,
  author = {Alex Krizhevsky},
  title = {Learning multiple layers of features from tiny images},
  institution = {University of Toronto},
  year = {2009}
}"""
    _published: ClassVar[Published]
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
            source: a published archive (such as cifar-10-binary.tar.gz or cifar-10-python.tar.gz),
                the folder unpacked from one, or another form of it that the README lists; by
                default what CIFAR10_AUG_SOURCE holds, or CIFAR100_AUG_SOURCE for CIFAR-100.
            mirror: a URL to download a published archive from, instead of the usual ones; by
                default what CIFAR10_AUG_MIRROR or CIFAR100_AUG_MIRROR holds.
            **kwargs: see `AugmentedBuilder`.
        """
        self._source = choose.Source(
            paths.source(source, self._published),
            mirror or choose.environment_mirror(self._published),
            self._published,
            self._limits,
        )
        super().__init__(**kwargs)
        self._original_state.update(source=self._source.path, mirror=self._source.mirror)

    def _read_source(self, downloads: choose.Downloads, manual_dir: Path) -> LabelledSplits:
        return self._source.read(
            self.name, self.data_dir_root, manual_dir, downloads, self._prepared_by_default
        )

    def plain(self, **kwargs: Any) -> AugmentedBuilder:
        return super().plain(source=self._source.path, mirror=self._source.mirror, **kwargs)

    def _prepared_by_default(self) -> LabelledSplits | None:
        """The images that are prepared in TFDS's default folder, if that is another one."""
        other = type(self)(config=PLAIN)
        here, there = (os.path.realpath(one.data_dir_root) for one in (self, other))
        if here == there or not other.is_prepared():
            return None
        images = prepared.read(prepared.described(other.data_dir))
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
