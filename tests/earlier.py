"""What earlier versions have prepared."""

import json
from pathlib import Path


def forget(folder: Path) -> None:
    """Removes what earlier versions did not record of the images in a folder."""
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text())
    del metadata["stamp"], metadata["fingerprints"]
    path.write_text(json.dumps(metadata))
