#!/usr/bin/env bash
# Makes a virtual environment in .venv and trains: the arguments go to train.py, or to another
# script of this folder that is named first. PYTHON=python3.12 chooses the interpreter.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
(cd "$here/.." && scripts/environment.sh '.[train]')
script=train.py
case "${1:-}" in *.py) script="$1"; shift ;; esac
exec "$here/../.venv/bin/python" "$here/$script" "$@"
