#!/usr/bin/env bash
# Runs the tests with other versions, each in a separate environment in .versions; says in the
# end which passed. Without arguments, all of them; after --, options of pytest.
#
#   bash scripts/versions.sh [3.10] [3.11] [3.12] [3.13] [oldest] [wheel] [-- -m 'not slow']
#
# oldest: with the oldest versions of everything that pyproject.toml names as a dependency.
# wheel: the wheel alone in an empty environment, outside the checkout; its main commands.
set -euo pipefail
cd "$(dirname "$0")/.."
here="$PWD"
named=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do named+=("$1"); shift; done
[ $# -eq 0 ] || shift
[ ${#named[@]} -gt 0 ] || named=(3.10 3.11 3.12 3.13 oldest wheel)

uv="$here/.versions/uv/bin/uv"
if [ ! -x "$uv" ]; then
  "${PYTHON:-python3}" -m venv .versions/uv
  .versions/uv/bin/python -m pip install --quiet --disable-pip-version-check \
    --constraint scripts/constraints.txt uv
fi

# environment NAME PYTHON CONSTRAINTS WHAT...
environment() {
  "$uv" venv --quiet --clear --python "$2" ".versions/$1"
  # As pip does: tests start many programs, which may not be allowed to keep what they compile.
  "$uv" pip install --quiet --compile-bytecode --python ".versions/$1" --constraint "$3" "${@:4}"
}

tested() {
  .versions/"$1"/bin/python -m pytest -q --numprocesses 2 --dist loadfile --no-loadscope-reorder "${options[@]}"
}

wheel() {
  rm -rf .versions/dist
  "$uv" build --quiet --wheel --out-dir .versions/dist
  environment wheel "${PYTHON:-python3}" scripts/constraints.txt .versions/dist/*.whl
  outside="$(mktemp -d)"
  (
    cd "$outside"
    export TFDS_DATA_DIR="$outside/data"
    "$here/.versions/wheel/bin/cifar10-aug" preview rotate30+erase --sample --out preview.png
    "$here/.versions/wheel/bin/cifar10-aug" list > list.txt
    "$here/.versions/wheel/bin/python" "$here/scripts/one_pass.py"
    "$here/.versions/wheel/bin/python" -c "
import cifar10_aug, sys
place = cifar10_aug.__file__
assert place.startswith(sys.prefix), f'{place} is not the wheel\'s'"
  )
  rm -rf "$outside"
}

run() {
  case "$1" in
    wheel) wheel ;;
    oldest)
      "$uv" pip compile --quiet --resolution lowest-direct --python-version 3.10 --no-header \
        --extra beam --extra train --output-file .versions/oldest.txt pyproject.toml
      environment oldest 3.10 .versions/oldest.txt --editable '.[test]'
      tested oldest
      ;;
    *)
      environment "$1" "$1" scripts/constraints.txt --editable '.[test]'
      tested "$1"
      ;;
  esac
}

options=("$@")
failed=()
for name in "${named[@]}"; do
  echo "== $name"
  # In a separate shell, for `set -e` does not hold within a condition.
  set +e
  (set -e; run "$name")
  code=$?
  set -e
  [ "$code" -eq 0 ] || failed+=("$name")
done
for name in "${named[@]}"; do
  case " ${failed[*]:-} " in *" $name "*) echo "$name: failed" ;; *) echo "$name: passed" ;; esac
done
[ ${#failed[@]} -eq 0 ]
