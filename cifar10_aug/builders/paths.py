"""Where folders of datasets can be made."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from cifar10_aug.data import replacing
from cifar10_aug.data.prepared import VERSION
from cifar10_aug.data.sources.official import Published
from cifar10_aug.errors import SourceError

# TFDS looks for its files by patterns that begin with the folder.
_PATTERNS = "[*?"


def placed(data_dir: str) -> str:
    """Absolute path, unaffected by `chdir`; buckets' addresses stay."""
    return data_dir if "://" in data_dir else os.path.abspath(os.path.expanduser(data_dir))


def source(given: str | os.PathLike[str] | None, published: Published) -> str | None:
    """Where a published dataset's images are, as the user or the environment says; absolute."""
    path = given if given is not None else published.environment_source
    return None if path is None else placed(os.fspath(path))


def default() -> str:
    """Where datasets are kept, unless the user says something else: in TFDS's own folder."""
    if "tensorflow_datasets" in sys.modules:
        from tensorflow_datasets.core import constants

        return constants.DATA_DIR
    # What TFDS would say once it is imported, which takes long.
    return os.environ.get("TFDS_DATA_DIR", os.path.expanduser("~/tensorflow_datasets"))


def folders(data_dir: str | os.PathLike[str] | None, dataset: str, config: str) -> tuple[str, str]:
    """Where datasets are kept, and where a config of one is, prepared or not.

    Args:
        data_dir: where the user says that they are; None is where TFDS keeps them.
        dataset: its name.
        config: the config's.
    """
    if data_dir is None and "tensorflow_datasets" in sys.modules:
        # It also knows folders that the program has told it.
        from tensorflow_datasets.core.utils import file_utils

        found = file_utils.get_data_dir_and_dataset_dir(
            given_data_dir=None, builder_name=dataset, config_name=config, version=VERSION
        )
        root, folder = map(os.fspath, found)
    else:
        root = placed(os.fspath(default() if data_dir is None else data_dir))
        folder = "/".join((root.rstrip("/"), dataset, config, VERSION))
    if "://" not in folder:
        replacing.recover(Path(folder))
    return root, folder


# What TFDS reads and writes besides folders.
_SCHEMES = ("gs", "s3")


def check_name(data_dir: str) -> None:
    """Raises a `SourceError` if TFDS cannot keep datasets there, or would look elsewhere."""
    scheme, remote, _ = data_dir.partition("://")
    if remote and scheme not in _SCHEMES:
        raise SourceError(
            f"data_dir is {data_dir!r}, and TFDS keeps nothing in {scheme}://; give the path of a "
            "folder, or the address of a bucket, gs:// or s3://"
        )
    if found := sorted(set(data_dir) & set(_PATTERNS)):
        raise SourceError(
            f"data_dir is {data_dir!r}, and TFDS takes {' and '.join(found)} in it for a pattern "
            "of other folders' names; choose a data_dir without [, * and ?"
        )


def check_writable(root: str) -> None:
    """Checks that folders can be made where datasets are kept; leaves nothing there.

    Raises:
        OSError: if they cannot; its message says what to do.
    """
    if "://" in root:
        return
    place = Path(root).expanduser().absolute()
    there = next(parent for parent in (place, *place.parents) if parent.exists())
    # Always the same one, so that killed processes leave one at most, and the next takes it away.
    probe = there / "incomplete.cifar10_aug"
    try:
        with contextlib.suppress(FileExistsError):
            probe.mkdir()
        # Another process may have been quicker.
        with contextlib.suppress(FileNotFoundError):
            probe.rmdir()
    except OSError as error:
        raise type(error)(
            error.errno,
            f"datasets cannot be kept here ({error.strerror}); choose another folder: data_dir in "
            "tfds.load, --data-dir on the command line, or the environment variable TFDS_DATA_DIR",
            str(place),
        ) from error
