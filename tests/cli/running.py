"""Runs commands as a shell would, but in this process."""

from click.testing import CliRunner, Result

from cifar10_aug.cli import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def assert_fails(code: int, message: str, *arguments: str) -> None:
    """One line, and no traceback."""
    result = run(*arguments)
    assert result.exit_code == code
    assert result.stderr == f"Error: {message}\n"
    assert result.stdout == ""
