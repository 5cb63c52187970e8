"""What `cifar10-aug list` prints: every op with its fields, and the presets."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from cifar10_aug.ops import OPS, Op, PythonOp
from cifar10_aug.ops.fields import fields_of
from cifar10_aug.recipes.presets import DEFAULT, NAMED

_GRAMMAR = """\
A recipe is op+op+…, each op a name, its main number and other fields:
  rotate30+erase     zoom0.5-1.5     erase_p0.5_area0.02-0.4+rescale
"""


def listing(width: int = 100) -> str:
    """The text, wrapped to `width` columns."""
    built_in = {name: op for name, op in OPS.items() if not issubclass(op, PythonOp)}
    lines = [_GRAMMAR, "Ops (the first field is the main one, written right after the name)", ""]
    lines += _described(built_in, width)
    if len(built_in) < len(OPS):
        lines += ["Registered functions", ""]
        lines += _described({n: op for n, op in OPS.items() if n not in built_in}, width)
    lines += ["Presets (usable like ops; every op alone is a config as well)", ""]
    for preset in NAMED.values():
        default = " This is the default config." if preset.name == DEFAULT else ""
        lines.append(f"{_heading(preset.name)}{preset.recipe or '(no op)'}")
        lines += textwrap.wrap(
            preset.about + default, width, initial_indent=" " * 13, subsequent_indent=" " * 13
        )
    return "\n".join(lines)


def _described(ops: Mapping[str, type[Op]], width: int) -> Iterator[str]:
    for name, op in ops.items():
        yield f"{_heading(name)}{op.about()}"
        for spelling, field in fields_of(op).items():
            unit = f" {field.unit}" if field.unit else ""
            default = field.show(field.default)
            about = f"{field.about}; " if field.about else ""
            what = f"{spelling:<10} {default}{unit}: {about}takes {field.allowed()}"
            yield from textwrap.wrap(
                what, width, initial_indent=" " * 13, subsequent_indent=" " * 24
            )
        yield ""


def _heading(name: str) -> str:
    return f"  {name:<10} "
