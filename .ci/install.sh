#!/bin/bash
# install.sh PYTHON EXTRAS: install this package, editable, under the constraints of that Python.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 extras=$2
line=$("$python" -c 'import sys; print("py311" if sys.version_info < (3, 12) else "py312")')

# Of what pip says of a failure, the line that tells what is missing; else all of it.
install() {
    local said
    if said=$("$python" -m pip install --quiet --constraint "constraints/$line.txt" "$@" 2>&1); then
        [ -z "$said" ] || grep -v "is ignored: it is neither a file nor a directory" <<< "$said" || true
        return
    fi
    .ci/explain.sh "$(dirname "$(dirname "$python")")" <<< "$said" >&2
    exit 1
}

# torch first and alone: where a package index has several builds, what is there is kept.
install torch
install --editable ".[$extras]"
