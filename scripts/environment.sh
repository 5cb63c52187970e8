#!/usr/bin/env bash
# Installs the package ("." or ".[test]") into .venv, with the versions that were tested together.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || "${PYTHON:-python3}" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
  --constraint scripts/constraints.txt --editable "$1"
