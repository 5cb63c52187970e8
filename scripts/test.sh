#!/usr/bin/env bash
# Makes a virtual environment in .venv with everything the tests need, then checks style, types
# and behaviour, in two processes. Arguments go to pytest.
# Prefix with PYTHON=python3.12 to choose an interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/environment.sh '.[test]'
.venv/bin/ruff format --check --quiet .
.venv/bin/ruff check --quiet .
.venv/bin/mypy
.venv/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder "$@"
scripts/activation.sh
