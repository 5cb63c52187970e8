#!/usr/bin/env bash
# Makes a virtual environment in .venv and trains: the arguments go to train.py, or to another
# script of this folder that is named first. Prefix with PYTHON=python3.12 to choose an interpreter.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
script=train.py
case "${1:-}" in *.py) script="$1"; shift ;; esac
for argument in "$@"; do
  # Options are shown without an environment.
  case "$argument" in -h | --help) exec "${PYTHON:-python3}" "$here/$script" --help ;; esac
done
"$here/environment.sh" '.[train]'
"$here/activation.sh"
exec "$here/../.venv/bin/python" "$here/$script" "$@"
