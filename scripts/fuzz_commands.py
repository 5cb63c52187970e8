"""Runs made-up command lines, and says which end in anything but a result or one clear line.

    python scripts/fuzz_commands.py --lines 1000 --seed 0

Command lines run in one process, on the sample and in a temporary folder; the same seed makes the
same ones. Each ends with code 0, or with code 1 or 2 and a line that begins with "Error: ".
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import shlex
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from options import Parser, count, seed

COMMANDS = (
    *("list", "preview", "gallery", "prepare", "export", "verify", "info", "bench"),
    *("", "frobnicate"),
)
RECIPES = (
    *("flip", "rotate30+erase", "plain", "standard", "corruptfog3", "mixup", "rescale", "sepia"),
    *("flip-x5", "rotate200", "erase_p2", "", "+", "flip+", "../flip", "fl\u0131p", "x" * 300, "-"),
)
NUMBERS = ("0", "1", "2", "-1", "1.5", "nan", "1e3", "9" * 20, str(2**63), str(2**64), "", "\u0663")
# All below the temporary folder, or nowhere.
PATHS = (
    *("data", "file", "missing/deeper", "", ".", "/dev/null", "~nobody/x", "a b", "a\nb"),
    *(
        "x" * 300,
        "x/" * 3000,
        "a\0b",
        "a\udcffb",
        "\u202e",
        "[a]",
        "*",
        "-",
        "--",
        "archive.tar.gz",
    ),
    *("file://data", "http://127.0.0.1:1/x", "https://", "s3://a/b", "://", "C:\\data", "data/"),
)
MODULES = ("json", "exits", "raises", "base", "missing", "exits,raises", "", ".", "a b", "json.x")
OPTIONS = {
    **dict.fromkeys(("--out", "--source", "--data-dir", "--mirror"), PATHS),
    **dict.fromkeys(("--rows", "--epochs", "--seed", "--scale", "--copies"), NUMBERS),
    **dict.fromkeys(("--jobs", "--batch-size"), NUMBERS),
    "--rounds": ("0", "1", "-1", "x"),
    "--imports": MODULES,
    "--format": ("tfrecord", "array_record", "zip", ""),
    "--image-encoding": ("raw", "png", "jpeg"),
    **dict.fromkeys(("--sample", "--explain", "--deep", "--resume", "--overwrite", "--help"), ()),
    **dict.fromkeys(("--version", "--frob", "-h", "-x", "--"), ()),
}


def lines(number: int, seed: int) -> Iterator[list[str]]:
    """Made-up command lines."""
    draw = random.Random(seed)
    for _ in range(number):
        command = draw.choice(COMMANDS)
        line = [command] if command else []
        if command in ("preview", "export", "bench"):
            line += [draw.choice(RECIPES)]
        if command in ("verify", "info") and draw.random() < 0.7:
            line += [draw.choice(PATHS)]
        # Nothing is downloaded, and nothing is written where the user keeps datasets.
        line += ["--sample"] if draw.random() < 0.6 else []
        if command in ("prepare", "export", "bench", "preview", "gallery"):
            line += ["--data-dir", "data"]
        for option in draw.sample(list(OPTIONS), draw.choice((0, 1, 1, 2, 3))):
            line += [option, *([draw.choice(OPTIONS[option])] if OPTIONS[option] else [])]
        yield line


def flaw(line: list[str]) -> str | None:
    """What is wrong with how a command line ends."""
    from cifar10_aug.cli import main

    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(line)
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        return traceback.format_exc()
    said = err.getvalue().splitlines()
    shows_help = bool(said) and said[0].startswith("Usage: ")
    if code == 0 or (code == 2 and shows_help):
        return None
    if code in (1, 2) and said and said[-1].startswith("Error: ") and "Traceback" not in said:
        return None
    return f"exit code {code}, and on stderr:\n{err.getvalue()}"


@contextlib.contextmanager
def place() -> Iterator[None]:
    """A temporary folder with something of everything; nobody listens where downloads come from."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("data").mkdir()
        Path("a b").mkdir()
        Path("file").write_text("not a folder")
        Path("archive.tar.gz").write_bytes(b"\x1f\x8b not an archive")
        Path("exits.py").write_text("import sys; sys.exit(3)")
        Path("raises.py").write_text("raise ValueError('two\\nlines')")
        Path("base.py").write_text("class B(BaseException): pass\nraise B")
        os.environ["TFDS_DATA_DIR"] = str(Path("data").absolute())
        os.environ["CIFAR10_AUG_MIRROR"] = "http://127.0.0.1:1/cifar-10-binary.tar.gz"
        try:
            yield
        finally:
            os.chdir(before)


def main() -> None:
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=count, default=1000, help="[default: %(default)s]")
    parser.add_argument("--seed", type=seed, default=0, help="[default: %(default)s]")
    args = parser.parse_args()
    wrong = 0
    with place():
        for number, line in enumerate(lines(args.lines, args.seed)):
            if found := flaw(line):
                wrong += 1
                shown = ascii(shlex.join(["cifar10-aug", *line]))
                print(f"line {number}: {shown}: {found}\n", flush=True)
    print(f"{args.lines} command lines, {wrong} of them wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
