"""The golden contact sheet: what every op makes of the same four pictures."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.registering import registered

SCRIPTS = Path(__file__).parents[1] / "scripts"


def test_every_op_still_makes_what_the_contact_sheet_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")
    with registered():
        import pictures

        sheet, places = pictures.ops_sheet()
        assert list(places) == ["(as they are)", *pictures.shown_ops()]
    for name in ("pictures", "example_functions"):
        sys.modules.pop(name, None)
    golden = np.asarray(Image.open(SCRIPTS / "pictures" / "ops.png").convert("RGB"))
    made = np.asarray(sheet)
    # Names are drawn by Pillow, whose versions differ.
    assert made.shape == golden.shape
    for name, corners in places.items():
        for x, y in corners:
            area = slice(y, y + 64), slice(x, x + 64)
            np.testing.assert_array_equal(made[area], golden[area], err_msg=name)
