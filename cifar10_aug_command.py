"""The command `cifar10-aug`, which ends in one line wherever it is interrupted.

Importing the package takes a second or more, and runs before anything in it could catch an
interrupt. So this module lies beside the package.
"""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Runs a command, and exits with its code."""
    try:
        from cifar10_aug.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write("Aborted.\n")
        _end(1)
    except SystemExit as exit_:
        _end(exit_.code)


def _end(code: object) -> None:
    # What is done is done: letting go of threads and processes must not change the exit code.
    # After a failure, another interrupt ends the program at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL if code else signal.SIG_IGN)
    sys.exit(code)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
