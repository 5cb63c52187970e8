#!/usr/bin/env bash
# Installs the package ("." or ".[test]") into .venv, with the versions that were tested together.
# An environment that is broken, or of another Python than PYTHON names, is replaced.
set -euo pipefail
cd "$(dirname "$0")/.."

# "3.12"; nothing if it does not run. $2 is imported, too.
version() {
  "$1" -c "import sys, ${2:-sys}; print('%d.%d' % sys.version_info[:2])" 2>/dev/null || true
}

supported() {
  case "$1" in 3.10 | 3.11 | 3.12 | 3.13) true ;; *) false ;; esac
}

have="$(version .venv/bin/python pip)"
if [ -n "${PYTHON:-}" ] || ! supported "$have"; then
  python="${PYTHON:-python3}"
  wanted="$(version "$python")"
  if ! supported "$wanted"; then
    [ -n "$wanted" ] && is="is Python $wanted" || is="does not run"
    echo "Error: $python $is; supported are Python 3.10, 3.11, 3.12 and 3.13. Prefix the command" \
      "with the name or path of one: PYTHON=python3.12 bash scripts/try.sh" >&2
    exit 1
  fi
  if [ "$have" != "$wanted" ]; then
    [ -n "$have" ] && found="Python $have" || found="incomplete"
    [ ! -e .venv ] || echo "Replacing .venv ($found) by one of Python $wanted" >&2
    # What a link leads to belongs to another checkout.
    [ ! -L .venv ] || rm .venv
    "$python" -m venv --clear .venv
  fi
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
  --constraint scripts/constraints.txt --editable "$1"
