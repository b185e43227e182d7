#!/bin/bash
# install.sh PYTHON EXTRAS: install this package, editable, under the constraints of that Python.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 extras=$2
line=$("$python" -c 'import sys; print("py311" if sys.version_info < (3, 12) else "py312")')
# torch first and alone: where a package index has several builds, what is there is kept.
"$python" -m pip install --quiet --constraint "constraints/$line.txt" torch
"$python" -m pip install --quiet --constraint "constraints/$line.txt" --editable ".[$extras]"
