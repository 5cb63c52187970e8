"""What `cifar10-aug list` prints: all ops and presets, a line each, or everything about one."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from cifar10_aug.errors import RecipeError
from cifar10_aug.ops import GROUPS, OPS, Op, PythonOp
from cifar10_aug.ops.fields import fields_of, main_field
from cifar10_aug.recipes.grammar import closest, quote
from cifar10_aug.recipes.presets import DEFAULT, NAMED, Preset

_GRAMMAR = """\
A recipe is op+op+…, each op a name, its main number and other fields:
  rotate30+erase     zoom0.5-1.5     erase_p0.5_area0.02-0.4+rescale
Every op has p, how often it is done (rotate30_p0.5); a-or-b does one of several (mixup-or-cutmix).
simclr-v2 makes two views of each image, plain--augmix--augmix three different ones.
Say `cifar10-aug list NAME` for everything about one.
"""
_HEADING = 22


def listing(width: int = 100) -> str:
    """All ops and presets, a line each, cut to `width` columns."""
    lines = [_GRAMMAR]
    for title, ops in groups().items():
        lines.append(title)
        lines += [_line(name, _summary(op), width) for name, op in ops.items()]
        lines.append("")
    lines.append("Presets, usable like ops; every op alone is a config as well")
    lines += [
        _line(preset.name, preset.recipe or "(no op)", width)
        + (" (the default)" if preset.name == DEFAULT else "")
        for preset in NAMED.values()
    ]
    return "\n".join(lines)


def groups() -> dict[str, dict[str, type[Op]]]:
    """All ops by name, in groups, with those of the user's last."""
    named = {title: {op.name: op for op in ops} for title, ops in GROUPS.items()}
    named["Registered functions"] = {
        name: op for name, op in OPS.items() if issubclass(op, PythonOp)
    }
    known = {
        title: {name: op for name, op in ops.items() if OPS.get(name) is op}
        for title, ops in named.items()
    }
    return {title: ops for title, ops in known.items() if ops}


def engines(op: type[Op]) -> str:
    """Which engines run an op, in words that follow "runs with"."""
    return "the eager engine only" if issubclass(op, PythonOp) else "both engines"


def about(name: str, width: int = 100) -> str:
    """Everything about one op or preset.

    Raises:
        RecipeError: if there is none of this name; names the closest.
    """
    if name in NAMED:
        return "\n".join(_about_preset(NAMED[name], width))
    if name in OPS:
        return "\n".join(_about_op(name, OPS[name], width))
    raise RecipeError(
        f"there is no op or preset {quote(name)}.{closest(name, sorted({*OPS, *NAMED}), 3)} "
        "cifar10-aug list shows all of them"
    )


def _summary(op: type[Op]) -> str:
    return f"{'(eager engine only) ' if issubclass(op, PythonOp) else ''}{op.about()}"


def _line(name: str, text: str, width: int) -> str:
    room = max(width - _HEADING - 1, 20)
    return f"  {name:<{_HEADING - 2}} {text if len(text) <= room else text[: room - 1] + '…'}"


def _about_preset(preset: Preset, width: int) -> Iterator[str]:
    yield f"{preset.name}: {preset.recipe or '(no op)'}"
    yield ""
    yield from textwrap.wrap(preset.about, width)
    yield ""
    yield f"Look at it: cifar10-aug preview {preset.name} --sample --out {preset.name}.png"


def _about_op(name: str, op: type[Op], width: int) -> Iterator[str]:
    yield name
    yield ""
    documented = (op.__doc__ or "").strip()
    for paragraph in documented.split("\n\n"):
        yield from textwrap.wrap(" ".join(paragraph.split()), width)
        yield ""
    if fields := fields_of(op):
        main = ", the main one first: a number right after the name sets it"
        yield f"Fields{main if main_field(op) else ''}:"
        for spelling, field in fields.items():
            unit = f" {field.unit}" if field.unit else ""
            about = f"{field.about}; " if field.about else ""
            what = f"{spelling:<10} {field.show(field.default)}{unit}: {about}takes "
            yield from textwrap.wrap(
                what + field.allowed(), width, initial_indent="  ", subsequent_indent=" " * 13
            )
        yield ""
    yield f"Runs with {engines(op)}."
    yield f"Look at it: cifar10-aug preview {name} --sample --explain --out {name}.png"
