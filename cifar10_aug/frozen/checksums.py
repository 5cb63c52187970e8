"""The digests in a frozen dataset's metadata, and whether its files still match them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cifar10_aug.data.records.formats import digest_of

METADATA = "metadata.json"
# The file by which TFDS knows a dataset.
INFO = "dataset_info.json"


def seal(folder: Path, metadata: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """Writes metadata.json, with digests of all other files and of itself.

    Args:
        folder: where to write it, and where all files but the shards are.
        metadata: what to record, without digests.
        known: the digests of the shards, by file name.

    Returns:
        The dataset's digest: two datasets with the same one have the same bytes.
    """
    others = [path for path in folder.iterdir() if path.name != METADATA]
    files = {**known, **{path.name: digest_of(path) for path in others}}
    content = {**metadata, "files": dict(sorted(files.items()))}
    digest = _digest(content)
    (folder / METADATA).write_text(json.dumps({**content, "dataset_digest": digest}))
    return digest


def read(folder: Path) -> dict[str, Any]:
    """The metadata of a frozen dataset.

    Raises:
        ValueError: if they are missing or not what was written; the message is a clause.
    """
    path = folder / METADATA
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise ValueError("missing") from None
    try:
        metadata = json.loads(text)
        # Written by json.dumps: other spellings of the same content are edits, too.
        untouched = json.dumps(metadata).encode() == text
        digest = metadata.pop("dataset_digest")
        untouched = untouched and digest == _digest(metadata)
        files = metadata["files"]
        untouched = untouched and isinstance(files, dict)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("edited or damaged") from None
    if not untouched:
        raise ValueError("edited or damaged")
    return {**metadata, "dataset_digest": digest}


def broken(folder: Path, files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """File names, each with what is wrong: missing, unknown, or another digest."""
    found = {path.name for path in folder.iterdir()} - {METADATA}
    for name in sorted(found | set(files)):
        if name not in found:
            yield name, "missing"
        elif name not in files:
            yield name, "not part of the dataset"
        elif not (folder / name).is_file() or digest_of(folder / name) != files[name]:
            yield name, "damaged: its digest is not the recorded one"


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True).encode()
    return f"sha256:{hashlib.sha256(text).hexdigest()}"
