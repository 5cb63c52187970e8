"""How TFDS's arguments become an export, and what TFDS wants to find beside its files."""

from __future__ import annotations

import dataclasses
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core import naming
from tensorflow_datasets.core.splits import SplitDict, SplitInfo

from cifar10_aug.data.images import Cifar10
from cifar10_aug.data.records.examples import IMAGE_ENCODINGS
from cifar10_aug.data.records.formats import FORMATS
from cifar10_aug.errors import ExportError, RegistrationError
from cifar10_aug.frozen import stored, writers
from cifar10_aug.frozen.export import export, tidy
from cifar10_aug.frozen.shards import TRAIN, Frozen, Shard, not_for_png
from cifar10_aug.frozen.staging import Finished
from cifar10_aug.recipes.function_pickling import Carried
from cifar10_aug.recipes.recipe import Config, Recipe


@dataclasses.dataclass(frozen=True)
class Options:
    """What a builder is told about writing frozen epochs; see `AugmentedBuilder`."""

    jobs: int
    image_encoding: str | None


def check_options(config: Config, options: Options) -> None:
    """Raises a `ValueError` if `image_encoding` is wrong or means nothing for the config."""
    encoding = options.image_encoding
    if encoding is not None and not config.copies:
        raise ValueError(
            f"image_encoding is about frozen epochs, such as {config}-x5; leave it out for {config}"
        )
    if encoding not in (None, *IMAGE_ENCODINGS):
        raise ValueError(f"image_encoding is {encoding!r}; give 'raw' or 'png'")
    if encoding == "png" and (made := not_for_png(config.recipe)):
        raise ValueError(f"{config.recipe} makes {made}; leave image_encoding out")


def check_arguments(config: Config, seed: Any, augment_splits: Sequence[str]) -> None:
    """Raises a `ValueError` if a builder's arguments contradict the name of frozen epochs."""
    if seed not in (0, config.seed):
        raise ValueError(
            f"seed is {seed!r}; the seed of frozen epochs is part of their name, "
            f"for example {Config(config.recipe, config.copies, 7)}"
        )
    if tuple(augment_splits) != (TRAIN,):
        raise ValueError(
            f"augment_splits is {list(augment_splits)!r}; frozen epochs are made of the training "
            "split, so leave it out"
        )


def check_file_format(config: Config, file_format: Any) -> None:
    """Raises a `ValueError` if a config cannot be stored in that format."""
    given = str(getattr(file_format, "value", file_format))
    if file_format is None or given == "tfrecord" or (config.copies and given in FORMATS):
        return
    if config.copies:
        raise ValueError(
            f"file_format is {file_format!r}; frozen epochs are stored as {' or '.join(FORMATS)}"
        )
    raise ValueError(
        f"file_format is {file_format!r}; the images are stored as tfrecord and read back "
        "whole, so leave file_format out"
    )


def for_random_access() -> str | None:
    """The file format that `tfds.data_source` needs, if it is what asks for the epochs.

    TFDS tells a builder of a format only where the user gives neither data_dir nor
    builder_kwargs, and never that it will ask for random access. Without this, everything would be
    written as TFRecords, and then be refused.
    """
    asking = tfds.data_source.__wrapped__.__code__
    found = any(frame.f_code is asking for frame, _ in traceback.walk_stack(None))
    return "array_record" if found else None


def local_folder(data_dir: str) -> Path:
    """The path of a dataset's folder; raises an `ExportError` if it is the address of a bucket."""
    if "://" in data_dir:
        raise ExportError(
            f"{data_dir}: frozen epochs are written to a local or mounted folder; choose such a "
            "data_dir, and copy the finished dataset from there"
        )
    return Path(data_dir).expanduser().absolute()


def check_prepared(info: tfds.core.DatasetInfo, image_encoding: str, file_format: Any) -> None:
    """Checks that frozen epochs are the ones asked for, and deletes what a killed export left.

    Raises:
        ExportError: if they are others, or stored otherwise.
    """
    stored.check_name(info)
    stored.check_as_told(info, image_encoding, file_format)
    if "://" not in info.data_dir:
        tidy(local_folder(info.data_dir))


def freeze(
    frozen: Frozen,
    data_dir: str,
    info: tfds.core.DatasetInfo,
    options: Options,
    config: tfds.download.DownloadConfig,
    read_images: Callable[[], Cifar10],
) -> bool:
    """Writes frozen epochs into a folder.

    Args:
        frozen: what to write.
        data_dir: the folder.
        info: what will be known of them; splits and metadata are added.
        options: the builder's.
        config: may ask to overwrite, and to run on Apache Beam.
        read_images: gives the images.

    Returns:
        Whether it has written them; if not, another process has.

    Raises:
        ExportError, SourceError, OSError: see `export`.
    """
    final = local_folder(data_dir)

    def write_info(
        folder: Path, metadata: dict[str, Any], written: Sequence[tuple[Shard, Finished]]
    ) -> None:
        info.set_splits(_splits(data_dir, frozen, written))
        info.metadata.update(metadata)
        info.write_to_directory(folder)

    written = export(
        frozen,
        final,
        read_images=read_images,
        write_info=write_info,
        crew=_crew(frozen.parsed, options, config),
        overwrite=config.download_mode.overwrite_dataset,
    )
    if not written:
        stored.check_held(final, frozen)
    return written


def _crew(recipe: Recipe, options: Options, config: tfds.download.DownloadConfig) -> writers.Crew:
    if config.beam_runner is not None or config.beam_options is not None:
        carried = Carried.by(recipe)
        return writers.BeamCrew(config.beam_runner, config.beam_options, carried)
    if options.jobs == 1:
        return writers.LocalCrew(1)
    try:
        return writers.LocalCrew(options.jobs, Carried.by(recipe))
    except RegistrationError as error:
        warnings.warn(f"{recipe} is written by this process alone: {error}", stacklevel=2)
        return writers.LocalCrew(1)


def _splits(data_dir: str, frozen: Frozen, written: Sequence[tuple[Shard, Finished]]) -> SplitDict:
    template = naming.ShardedFileTemplate(
        data_dir=tfds.core.Path(data_dir),
        dataset_name=frozen.dataset,
        filetype_suffix=frozen.file_format,
    )
    names = list(dict.fromkeys(shard.split for shard, _ in written))
    return SplitDict(
        [
            SplitInfo(
                name=name,
                shard_lengths=[done.examples for shard, done in written if shard.split == name],
                num_bytes=sum(done.size for shard, done in written if shard.split == name),
                filename_template=template.replace(split=name),
            )
            for name in names
        ]
    )


def dataset(
    info: tfds.core.DatasetInfo,
    image_encoding: str,
    seed: int,
    split: Any,
    batch_size: int | None,
    shuffle_files: bool,
    config: tfds.ReadConfig,
    *,
    as_supervised: bool,
) -> Any:
    """Frozen epochs as a `tf.data.Dataset`.

    Args:
        info: of the epochs.
        image_encoding: as the builder is told.
        seed: of the order, if the user names none.
        split, batch_size, shuffle_files, config, as_supervised: as in `tfds.load`.

    Raises:
        ExportError: if they are damaged, or stored otherwise than the builder is told.
        ValueError: if they are not stored as tfrecord, or an argument is wrong.
        RuntimeError: if they are shuffled anew each epoch, inside a `tf.function` or `tf.Graph`.
    """
    from cifar10_aug._compat import eager_context
    from cifar10_aug.frozen import reading

    if shuffle_files and config.shuffle_reshuffle_each_iteration is not False:
        eager_context.check(f"{stored.called(Path(info.data_dir))}, shuffled,")
    stored.check_as_told(info, image_encoding)
    stored.check_file_kind(info, "tfrecord", "tfds.data_source")
    stored.check_whole(info)
    seed = seed if config.shuffle_seed is None else config.shuffle_seed
    return reading.dataset(
        info,
        split,
        image_encoding=image_encoding,
        batch_size=batch_size,
        # TensorFlow's seeds are signed.
        shuffle_seed=seed % 2**63 if shuffle_files else None,
        config=config,
        as_supervised=as_supervised,
    )
