"""What `cifar10-aug list` prints: every op with its fields, and the presets."""

from __future__ import annotations

import textwrap

from cifar10_aug.fields import fields_of
from cifar10_aug.ops import OPS
from cifar10_aug.presets import DEFAULT, NAMED

_GRAMMAR = """\
A recipe is op+op+…, each op a name, its main number and other fields:
  rotate30+erase     zoom0.5-1.5     erase_p0.5_area0.02-0.4+rescale
"""


def listing(width: int = 100) -> str:
    """The text, wrapped to `width` columns."""
    lines = [_GRAMMAR, "Ops (the first field is the main one, written right behind the name)", ""]
    for name, op in OPS.items():
        lines.append(f"  {name:<11}{op.about()}")
        for spelling, field in fields_of(op).items():
            unit = f" {field.unit}" if field.unit else ""
            default = "off" if field.default is None else field.show(field.default)
            what = f"{spelling:<10} {default}{unit}: {field.about}; takes {field.allowed()}"
            lines += textwrap.wrap(what, width, initial_indent=" " * 13, subsequent_indent=" " * 24)
        lines.append("")
    lines += ["Presets (usable like ops; every op alone is a config as well)", ""]
    for preset in NAMED.values():
        default = " This is the default config." if preset.name == DEFAULT else ""
        lines.append(f"  {preset.name:<11}{preset.recipe or '(no op)'}")
        lines += textwrap.wrap(
            preset.about + default, width, initial_indent=" " * 13, subsequent_indent=" " * 13
        )
    return "\n".join(lines)
