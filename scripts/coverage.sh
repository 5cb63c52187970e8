#!/usr/bin/env bash
# Branch coverage of the package by all tests; arguments go to pytest.
# Kernels that are compiled show no lines; a test runs them as the Python that they are written in.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/environment.sh '.[test]'
coverage=(.venv/bin/python -m coverage)
"${coverage[@]}" erase
"${coverage[@]}" run -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder "$@"
"${coverage[@]}" combine --quiet
"${coverage[@]}" report
