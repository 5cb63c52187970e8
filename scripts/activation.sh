#!/usr/bin/env bash
# Says how to use the commands of .venv in a shell.
cd "$(dirname "$0")/.."
printf 'To use cifar10-aug and python of this environment in your shell: source %q\n' \
  "$PWD/.venv/bin/activate"
