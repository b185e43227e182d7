#!/bin/bash
# Run the tests marked "lines" with esm's second line, on Python 3.12. The environment (about
# 6 GB) is kept outside the checkout, and made again when what it was made from has changed.
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() {
    local candidate
    for candidate in python3.12 "$HOME"/.pyenv/versions/3.12*/bin/python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ]; then
    echo "No Python 3.12 here: the tests on esm's second line were NOT run." >&2
    [ "${CI:-}" != true ]
    exit
fi
made_from=$(cat pyproject.toml constraints/py312.txt .ci/install.sh | sha256sum | cut -c1-12)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/esm_explore/second_line
if [ "$(cat "$venv/made_from" 2>/dev/null)" != "$made_from" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    .ci/install.sh "$venv/bin/python" test
    echo "$made_from" > "$venv/made_from"
fi
# The environment may have been made from another checkout: test this one.
PYTHONPATH=$PWD "$venv/bin/python" -m pytest -ra -n 2 --dist loadfile -m lines -p no:cacheprovider tests
