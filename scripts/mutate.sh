#!/usr/bin/env bash
# Does a test fail when the code is changed? Changes the modules that [tool.mutmut] in pyproject.toml
# names, one place at a time, runs the tests that cover it, and says in the end which changes no
# test saw. Results stay in mutants; the next run goes on with them. Arguments name mutants.
#
#   bash scripts/mutate.sh ['cifar10_aug.recipes.grammar*' …]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/environment.sh '.[test,mutation]'
unset PYTHONPATH
.venv/bin/python -m mutmut run --max-children "${MUTATE_CHILDREN:-2}" "$@"
.venv/bin/python scripts/mutation_score.py
