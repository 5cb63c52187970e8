#!/usr/bin/env bash
# Makes a virtual environment in .venv and runs the main job on the drawn sample: a contact sheet
# and one pass over the augmented pipeline. Nothing but packages is downloaded.
# Prefix with PYTHON=python3.12 to choose an interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/environment.sh .
.venv/bin/cifar10-aug preview rotate30+erase --sample --out preview.png
.venv/bin/python scripts/one_pass.py
scripts/activation.sh
