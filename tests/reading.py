"""What a config's name means, read a second time: by the README and nothing of the package's.

No regular expression, no float arithmetic; a table of fields written out by hand.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any, NamedTuple

# How one number alone is meant: n is -n to n, n is 1-n to 1+n, n is n; or there are no ranges.
SYMMETRIC, AROUND_ONE, ALONE, NUMBER = "symmetric", "around one", "alone", "number"


class Kind(NamedTuple):
    """A field: how a number alone is meant, its limits, the words that it takes instead."""

    single: str
    low: str
    high: str
    default: object
    whole: bool = False
    words: tuple[str, ...] = ()


Value = float | str | tuple[float, float] | None
WORDS = "words"
FILL_MODES = ("nearest", "constant", "reflect")


def symmetric(high: str, default: str | None) -> Kind:
    ends = None if default is None else (-float(default), float(default))
    return Kind(SYMMETRIC, "0", high, ends)


def factor(low: float, high: float) -> Kind:
    return Kind(AROUND_ONE, "0", "10", (low, high))


def zoom(default: tuple[float, float] | None) -> Kind:
    return Kind(AROUND_ONE, "0.1", "10", default)


def alone(low: str, high: str, default: tuple[float, float], whole: bool = False) -> Kind:
    return Kind(ALONE, low, high, default, whole)


def number(low: str, high: str, default: float) -> Kind:
    return Kind(NUMBER, low, high, default)


def whole(low: str, high: str, default: int) -> Kind:
    return Kind(NUMBER, low, high, default, whole=True)


def words(default: str, *others: str) -> Kind:
    return Kind(WORDS, "", "", default, words=(default, *others))


def fill(default: str, *others: str) -> Kind:
    return Kind(NUMBER, "0", "255", default, whole=True, words=(default, *others))


P = number("0", "1", 0.5)
CVAL = whole("0", "255", 0)
BORDER = {"fillmode": words("nearest", *FILL_MODES), "cval": CVAL}
SEVERITY = {"severity": whole("1", "5", 1)}
ALPHA = number("0.01", "100", 1)
# The first field is the main one.
OPS: dict[str, dict[str, Kind]] = {
    "rotate": {"degrees": symmetric("180", "30"), **BORDER},
    "shift": {
        "fraction": symmetric("1", "0.3"),
        "width": symmetric("1", None),
        "height": symmetric("1", None),
        **BORDER,
    },
    "shear": {"degrees": symmetric("89", "30"), **BORDER},
    "shearx": {"slope": symmetric("1", "0.3"), **BORDER},
    "sheary": {"slope": symmetric("1", "0.3"), **BORDER},
    "translatex": {"fraction": symmetric("1", "0.3"), **BORDER},
    "translatey": {"fraction": symmetric("1", "0.3"), **BORDER},
    "perspective": {
        "distortion": number("0", "0.9", 0.5),
        "p": P,
        "fillmode": words("constant", *FILL_MODES),
    },
    "elastic": {
        "alpha": alone("0", "1000", (34, 34)),
        "sigma": alone("0", "32", (4, 4)),
        "fillmode": words("reflect", *FILL_MODES),
    },
    "zoom": {"factor": zoom((0.5, 1.5)), "isotropic": zoom(None), **BORDER},
    "flip": {"p": P},
    "flipud": {"p": P},
    "altflip": {},
    "rot": {"degrees": words("90", "180")},
    "crop": {
        "pad": whole("0", "64", 4),
        "fillmode": words("constant", *FILL_MODES),
        "fill": Kind(NUMBER, "0", "255", 0, whole=True, words=("mean",)),
    },
    "rrc": {
        "area": alone("0", "1", (0.08, 1)),
        "aspect": alone("0.01", "100", (0.75, 1.3333333333)),
    },
    "gridmask": {
        "unit": alone("2", "4096", (24, 32), whole=True),
        "ratio": number("0", "1", 0.4),
        "fill": whole("0", "255", 0),
    },
    "scalecrop": {"size": alone("32", "1024", (38, 60), whole=True)},
    "erase": {
        "p": P,
        "area": alone("0", "1", (0.02, 0.4)),
        "aspect": alone("0.01", "100", (0.3, 3.3)),
        "fill": fill("random", "noise", "mean"),
    },
    "cutout": {
        "size": whole("1", "4096", 16),
        "holes": whole("1", "16", 1),
        "inside": whole("0", "1", 0),
        "p": number("0", "1", 1),
        "fill": fill("mean"),
    },
    "brightness": {"factor": factor(0.6, 1.4)},
    "gamma": {"gamma": zoom((0.8, 1.2))},
    "contrast": {"factor": factor(0.6, 1.4)},
    "saturation": {"factor": factor(0.6, 1.4)},
    "sharpness": {"factor": factor(0.1, 1.9)},
    "hue": {"turn": symmetric("0.5", "0.1")},
    "colorjitter": {
        "brightness": factor(0.6, 1.4),
        "contrast": factor(0.6, 1.4),
        "saturation": factor(0.6, 1.4),
        "hue": symmetric("0.5", "0.1"),
    },
    "gray": {"p": number("0", "1", 0.2)},
    "invert": {"p": P},
    "autocontrast": {"p": P},
    "equalize": {"p": P},
    "posterize": {"bits": alone("1", "8", (4, 4), whole=True), "p": P},
    "solarize": {"threshold": alone("0", "256", (128, 128)), "p": P},
    "solarizeadd": {"addition": alone("0", "255", (0, 110)), "threshold": whole("0", "256", 128)},
    "channelshift": {"range": symmetric("255", "20")},
    "rgbshift": {"shift": symmetric("255", "20")},
    "channelshuffle": {},
    "blur": {"sigma": alone("0", "10", (0.1, 2))},
    "noise": {"sigma": alone("0", "255", (0, 10))},
    "saltpepper": {"amount": alone("0", "1", (0.01, 0.06))},
    "jpeg": {"quality": alone("1", "100", (50, 100), whole=True)},
    "randaugment": {"n": whole("1", "8", 2), "m": whole("0", "30", 9), "cval": CVAL},
    "timmaugment": {
        "n": whole("1", "8", 2),
        "m": number("0", "10", 9),
        "std": number("0", "10", 0.5),
        "prob": P,
        "cval": whole("0", "255", 128),
    },
    "trivialaugment": {"cval": CVAL},
    "autoaugment": {"cval": CVAL},
    "augmix": {
        "severity": number("1", "10", 3),
        "width": whole("1", "8", 3),
        "depth": alone("1", "8", (1, 3), whole=True),
        "cval": CVAL,
    },
    "mixup": {"alpha": ALPHA},
    "cutmix": {"alpha": ALPHA, "p": P},
    "resizemix": {"tau": alone("0", "1", (0.1, 0.8))},
    "labelsmooth": {"smoothing": number("0", "1", 0.1)},
    **{
        f"corrupt{what}": SEVERITY
        for what in (
            *("gaussiannoise", "shotnoise", "impulsenoise", "defocusblur", "glassblur"),
            *("motionblur", "zoomblur", "snow", "frost", "fog", "brightness", "contrast"),
            *("elastic", "pixelate", "jpeg"),
        )
    },
    "rescale": {},
    "normalize": {"std": words("own", "widespread")},
}
RANGES = {"rescale", "normalize"}
NO_MAIN = set(RANGES)
for _name, _kinds in OPS.items():
    if _name not in RANGES:
        if not _kinds:
            NO_MAIN.add(_name)
        _kinds.setdefault("p", number("0", "1", 1))
PRESETS = {
    "standard": "crop4+flip",
    "wrncutout": "crop4+flip+cutout16",
    "airbench94": "crop2_fillmodereflect+altflip",
    "airbench96": "crop4_fillmodereflect+altflip+cutout12_inside1",
    "hlb": "crop2_fillmodereflect+flip",
    "ffcv": "flip+crop2_fillmean+cutout4_inside1",
    "simclr": "rrc+flip+colorjitter_p0.8+gray0.2",
    "byola": "rrc+flip+colorjitter_saturation0.2_p0.8+gray0.2+blur_p1",
    "byolb": "rrc+flip+colorjitter_saturation0.2_p0.8+gray0.2+blur_p0.1+solarize_p0.2",
    "deit": "rrc+flip+timmaugment_m9_std0.5_n2+erase_p0.25_area0.02-0.33_fillnoise"
    "+mixup0.8-or-cutmix_p1+labelsmooth0.1",
    "fixmatchweak": "flip+crop4_fillmodereflect",
    "fixmatchstrong": "flip+crop4_fillmodereflect+randaugment_n2_m16+cutout16",
    "threeaugment": "crop4_fillmodereflect+flip+gray_p1-or-solarize_p1-or-blur_p1"
    "+colorjitter_brightness0.3_contrast0.3_saturation0.3_hue0",
    "wrnautoaugment": "crop4+flip+autoaugment+cutout16",
    "wrnrandaugment": "crop4+flip+randaugment_n3_m15+cutout16",
    "resnetmixup": "crop4+flip+mixup",
    "pyramidcutmix": "crop4+flip+cutmix",
}
LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"


class Wrong(Exception):  # noqa: N818
    """The name is no recipe."""


@dataclasses.dataclass
class Read:
    """What is read: the normalised spelling, and the ops with all their fields' values.

    Of several views, `views` has what each of them does, and `ops` all of it.
    """

    spelling: str
    ops: list[Any]
    views: list[list[Any]] = dataclasses.field(default_factory=list)
    copies: int = 0
    seed: int = 0

    @property
    def config(self) -> str:
        tail = f"-x{self.copies}" if self.copies else ""
        return self.spelling + tail + (f"-s{self.seed}" if self.seed else "")


def read(name: str) -> Read | None:
    """What a config's name means, or None if it means nothing."""
    try:
        recipe, cross, tail = name.rpartition("-x")
        copies, dash, seed = tail.partition("-s")
        if not cross or not _digits(copies, 9) or (dash and not _digits(seed, 20)):
            return _views(name)
        made = _views(recipe)
        made.copies, made.seed = int(copies), int(seed or "0")
        _check(1 <= made.copies <= 10_000 and made.seed < 2**64 and not (dash and made.seed == 0))
        return made
    except Wrong:
        return None


def _check(condition: bool) -> None:
    if not condition:
        raise Wrong


def _digits(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and all(c in DIGITS for c in text)


def _views(name: str) -> Read:
    _check(1 <= len(name) <= 200)
    recipe, dash, count = name.rpartition("-v")
    if "--" not in name and dash and _digits(count, 9) and not recipe.endswith("-or"):
        _check(2 <= int(count) <= 64)
        one = _recipe(recipe)
        views, spelling = [one] * int(count), f"{one.spelling}-v{int(count)}"
    else:
        views = [_recipe(part) for part in name.split("--")]
        spelling = "--".join(one.spelling for one in views)
    if len(views) == 1:
        return views[0]
    for one in views:
        flat = [(name, values) for name, values in one.ops if name != "or"]
        flat += [choice for name, choices in one.ops if name == "or" for choice in choices]
        _check(not {"mixup", "cutmix", "resizemix"} & {name for name, _ in flat})
    _check(all(_common(one) == _common(views[0]) for one in views))
    ops = [one.ops for one in views]
    return Read(spelling, [op for one in ops for op in one], ops)


def _common(read: Read) -> list[Any]:
    """What sets the range of pixels and the label."""
    return [
        op
        for op in read.ops
        if op[0] in RANGES | {"labelsmooth"}
        or (op[0] == "or" and "labelsmooth" in {name for name, _ in op[1]})
    ]


def _recipe(name: str) -> Read:
    _check(1 <= len(name) <= 200)
    if name == "plain":
        return Read(name, [])
    made = Read("", [])
    spellings = []
    for token in name.split("+"):
        if token in PRESETS:
            made.ops += _recipe(PRESETS[token]).ops
            spellings.append(token)
        else:
            spelling, op = _step(token)
            made.ops.append(op)
            spellings.append(spelling)
    made.spelling = "+".join(spellings)
    _check(len(made.ops) <= 64)
    names = [op for op, _ in made.ops]
    mixes = [
        op
        for op, values in made.ops
        if {"mixup", "cutmix", "resizemix"} & ({name for name, _ in values} if op == "or" else {op})
    ]
    _check(len(mixes) <= 2)
    _check(names.count("rescale") + names.count("normalize") <= 1)
    return made


def _step(token: str) -> tuple[str, Any]:
    """An op, or ("or", ops)."""
    if "-or-" not in token:
        return _op(token)
    choices = [_choice(one) for one in token.split("-or-")]
    _check(all(name not in RANGES for _, (name, _) in choices))
    return "-or-".join(spelling for spelling, _ in choices), ("or", [op for _, op in choices])


def _choice(token: str) -> tuple[str, tuple[str, dict[str, Value]]]:
    _check(token not in PRESETS)
    return _op(token)


def _op(token: str) -> tuple[str, tuple[str, dict[str, Value]]]:
    head, *assignments = token.split("_")
    name = head[: len(head) - len(head.lstrip(LETTERS))]
    _check(name in OPS)
    kinds = OPS[name]
    spelling, main = name, head[len(name) :]
    given: dict[str, Value] = {}
    if main:
        _check(name not in NO_MAIN)
        field = next(iter(kinds))
        given[field], text = _value(kinds[field], main)
        spelling += text
    for assignment in assignments:
        field = max(
            (field for field in kinds if assignment.startswith(field) and assignment != field),
            key=len,
            default="",
        )
        _check(bool(field) and field not in given)
        given[field], text = _value(kinds[field], assignment[len(field) :])
        spelling += f"_{field}{text}"
    _check(not {"fraction", "width", "height"} <= set(given))
    _check(not {"factor", "isotropic"} <= set(given))
    values: dict[str, Value] = {f: kind.default for f, kind in kinds.items()}  # type: ignore[misc]
    values.update(given)
    if name == "crop":
        _check(not values["fill"] or values["fillmode"] == "constant")
    if "fillmode" in kinds and "cval" in kinds:
        _check(not values["cval"] or values["fillmode"] == "constant")
    return spelling, (name, values)


def _value(kind: Kind, text: str) -> tuple[Value, str]:
    """The value that `text` spells, and its normalised spelling."""
    if text in kind.words:
        return text, text
    _check(kind.single != WORDS)
    # Not the "-" of a range.
    text = text.replace("e-", "e~")
    if kind.single == NUMBER:
        (one,), spelling = _numbers([text], kind)
        return float(one), spelling
    ends, spelling = _numbers(text.split("-"), kind)
    _check(len(ends) <= 2)
    low, high = Fraction(kind.low), Fraction(kind.high)
    if len(ends) == 2:
        _check(ends[0] <= ends[1])
    elif kind.single == SYMMETRIC:
        ends, low = [-ends[0], ends[0]], -high
    elif kind.single == AROUND_ONE:
        ends = [1 - ends[0], 1 + ends[0]]
    else:
        ends *= 2
    _check(all(low <= end <= high for end in ends))
    return (float(ends[0]), float(ends[1])), spelling


def _numbers(texts: list[str], kind: Kind) -> tuple[list[Fraction], str]:
    numbers, spellings = [], []
    for text in texts:
        mantissa, e, exponent = text.partition("e~")
        whole, point, fraction = mantissa.partition(".")
        _check(all(c in DIGITS for c in whole + fraction + exponent))
        _check(len(text) <= 40 and len(exponent) <= 2)
        _check(bool(whole) and bool(fraction) == bool(point) and bool(exponent) == bool(e))
        places = len(fraction) + int(exponent or 0)
        digits = (whole + fraction).zfill(places + 1)
        numbers.append(Fraction(int(digits), 10**places))
        whole, fraction = digits[: len(digits) - places], digits[len(digits) - places :]
        whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
        spellings.append(f"{whole}.{fraction}" if fraction else whole)
        _check(len(spellings[-1]) <= 40)
        _check(not kind.whole or not fraction)
        if kind.single == NUMBER:
            _check(Fraction(kind.low) <= numbers[-1] <= Fraction(kind.high))
    return numbers, "-".join(spellings)
