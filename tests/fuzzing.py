"""Names of configs, right ones and wrong ones: the same on every run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests import reading

# What numbers are not, and what they only just are.
NUMBERS = (
    *("nan", "inf", "-inf", "NaN", "infinity", "1e999", "1e3", "1E3", "1e-3", "0x10", "0b1", "1_0"),
    *("-0", "-0.0", "+1", "--1", "00", "007", "0.10", "000000000001", "0000000000001", "1.", ".5"),
    *("1..2", "1.2.3", "1,5", "0-", "-1", "0-1-2", "2-1", "0-0", "1-1.0", "0.5-0.50", "1j", "True"),
    *("٣٠", "３０", "३", "²", "½", "𝟑𝟎", "0٫5", "Ⅷ", "一", "30\u200b", "\u202e30", "3\u03080"),
    *("999999999999", "9" * 13, "9" * 400, "0." + "0" * 10, "0." + "0" * 400 + "1", "1" * 12),
)
TRICKS = (
    *("..", "/", "../", "../../etc/passwd", "/etc/passwd", "\\", "..\\..\\x", "C:\\x", "~", "~/x"),
    *("\0", "\n", "\r\n", "\t", " ", "\u2028", "\x1b[31m", "\x7f", "%00", "%2e%2e/", "file:///x"),
    *("$HOME", "`id`", "$(id)", ";id", "|id", "&", "*", "?", "#", "'", '"', "%s", "{0.__class__}"),
    *("__import__('os').system('id')", "lambda:0", "{}", "[]", "()", "=", ":", ":1.0.0", "@", "!"),
    *("plain", "plain+", "+plain", "-x5", "-x0", "-x5-s7", "-x5-s0", "-x10000", "-x10001", "-s7"),
    *("-x٥", "-x5-s" + "9" * 20, "-x5-s18446744073709551615", "-x05-s007", "-x", "-x5-s", "-x-5"),
    *("-v2", "-v1", "-v0", "-v64", "-v65", "-v02", "-v٢", "-v", "-v2-x5", "-x5-v2", "--", "--p"),
    *("ﬂip", "FLIP", "Flip", "flıp", "fl\u0131p", "flip\u0301", "\ufeff", "\udcff", "\ud800"),
)
SEPARATORS = ("-or-", "+", "_", "-", ".", "++", "__", "--", "-v2", "")


def names(count: int, seed: int = 0) -> Iterator[str]:
    """`count` different names, a good part of them right."""
    draw, known = random.Random(seed), set[str]()
    while len(known) < count:
        made = draw.choice(_MAKERS)(draw)
        # Half are left as they are made.
        for _ in range(draw.choice((0, 0, 0, 1, 1, 3))):
            made = draw.choice(_MUTATIONS)(draw, made)
        if made not in known:
            known.add(made)
            yield made


def _number(draw: random.Random, kind: reading.Kind) -> str:
    if draw.random() < 0.03:
        return draw.choice(NUMBERS)
    low, high = float(kind.low), float(kind.high)
    # Often an end, sometimes beyond it.
    at = draw.choice((0.0, 1.0, *(draw.random() for _ in range(9)), 1.01))
    value = low + (high - low) * at
    # Around 1, what is allowed is less; halves make both ends likely.
    value = value / 10 if kind.single == reading.AROUND_ONE and draw.random() < 0.7 else value
    text = str(round(value)) if kind.whole else f"{value:.{draw.randrange(5)}f}"
    return draw.choice(("", "", "", "0", "00")) + text


def _value(draw: random.Random, kind: reading.Kind) -> str:
    if kind.words and (kind.single == reading.WORDS or draw.random() < 0.5):
        return draw.choice(kind.words)
    if kind.single == reading.NUMBER or draw.random() < 0.5:
        return _number(draw, kind)
    ends = [_number(draw, kind), _number(draw, kind)]
    return "-".join(sorted(ends, key=lambda end: end.lstrip("0").zfill(20)))


def _op(draw: random.Random) -> str:
    name = draw.choice(list(reading.OPS))
    fields = list(reading.OPS[name].items())
    main = ""
    if name not in reading.NO_MAIN and draw.random() < 0.5:
        _, kind = fields.pop(0)
        main = _value(draw, kind)
    draw.shuffle(fields)
    return name + main + "".join(f"_{f}{_value(draw, k)}" for f, k in fields[: draw.randrange(3)])


def _recipe(draw: random.Random) -> str:
    parts = [
        draw.choice(list(reading.PRESETS))
        if draw.random() < 0.1
        else "-or-".join(_op(draw) for _ in range(draw.choice((*(1,) * 14, 2, 3))))
        for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 6)))
    ]
    return "+".join(parts)


def _config(draw: random.Random) -> str:
    copies = draw.choice((1, 5, 10_000, draw.randrange(20_000)))
    seed = draw.choice(("", "", f"-s{draw.randrange(9)}", f"-s{draw.randrange(2**65)}"))
    return f"{draw.choice((_recipe, _recipe, _views))(draw)}-x{copies}{seed}"


def _views(draw: random.Random) -> str:
    parts = [_recipe(draw) for _ in range(draw.choice((1, 1, 2, 2, 3)))]
    tail = draw.choice(("", "", "+rescale", "+labelsmooth", "+normalize"))
    if len(parts) > 1:
        return "--".join(part + tail for part in parts)
    return f"{parts[0]}-v{draw.choice((1, 2, 2, 3, 64, 65))}"


def _many(draw: random.Random) -> str:
    """Names on both sides of what is long, and of how many ops there may be."""
    part = draw.choice(
        ("flip+", "hue+", "airbench96+", "standard+", "mixup+", "+", "_", "-x1", "p")
    )
    return (part * draw.choice((2, 20, 22, 40, 60, 3000))).removesuffix("+")


def _bytes(draw: random.Random) -> str:
    return draw.randbytes(draw.choice((1, 3, 10, 60, 1000))).decode(
        *draw.choice((("utf-8", "surrogateescape"), ("utf-8", "replace"), ("latin-1", "strict")))
    )


def _typed(draw: random.Random) -> str:
    """What the grammar's letters make at random."""
    return "".join(draw.choices("rotaefpcsvx0123456789.-+_", k=draw.randrange(40)))


_MAKERS: tuple[Callable[[random.Random], str], ...] = (
    *(_recipe,) * 10,
    *(_config,) * 5,
    *(_views,) * 4,
    _many,
    _bytes,
    _typed,
    lambda draw: draw.choice(TRICKS),
    lambda draw: f"{draw.choice(list(reading.OPS))}{draw.choice(NUMBERS)}",
)


def _insert(draw: random.Random, name: str) -> str:
    at = draw.choice((0, len(name), draw.randrange(len(name) + 1)))
    return (
        name[:at] + draw.choice((*NUMBERS, *TRICKS, *SEPARATORS, draw.choice("abpx05"))) + name[at:]
    )


def _delete(draw: random.Random, name: str) -> str:
    at = draw.randrange(len(name) + 1)
    return name[:at] + name[at + draw.choice((1, 1, 5)) :]


def _double(draw: random.Random, name: str) -> str:
    at = draw.randrange(len(name) + 1)
    return name[:at] + name[at : at + 3] * draw.choice((2, 2, 10, 4000)) + name[at + 3 :]


def _swap(draw: random.Random, name: str) -> str:
    at = draw.randrange(len(name) + 1)
    return name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :]


def _other_digits(draw: random.Random, name: str) -> str:
    zero = draw.choice("٠०０𝟎")
    return "".join(chr(ord(zero) + int(c)) if c in "0123456789" else c for c in name)


def _separated(draw: random.Random, name: str) -> str:
    return name.replace(draw.choice("+_-."), draw.choice(SEPARATORS))


def _long(draw: random.Random, name: str) -> str:
    return name + draw.choice("x9+_-.\n٣") * draw.choice((150, 10_000))


_MUTATIONS: tuple[Callable[[random.Random, str], str], ...] = (
    *(_insert,) * 6,
    *(_delete,) * 3,
    *(_swap,) * 2,
    _double,
    _other_digits,
    _separated,
    _long,
    lambda draw, name: name.upper(),
    lambda draw, name: f"{name}+{name}",
)
