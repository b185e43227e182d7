#!/bin/bash
# From a clean clone, with nothing installed: how long until the first colored structure is there?
# Says how much of it pip's downloads and unpacking take, and what is ours.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone --quiet . "$folder/esm_explore"
cd "$folder/esm_explore"
begin=$(date +%s.%N)
make --silent install
installed=$(date +%s.%N)
.venv/bin/python - << 'END'
import time

begin = time.perf_counter()
import esm_explore as ex

picture = ex.view(ex.trace(ex.load_encoder(), ex.read_chain("1UBI")))
html = picture._repr_html_()
print(f"{picture}".splitlines()[0], f"({len(html):,} characters)")
END
end=$(date +%s.%N)
awk -v a="$begin" -v b="$installed" -v c="$end" 'BEGIN {
    printf "make install: %.0f s; import, encoder, chain, trace and 3D view: %.1f s; in all %.0f s\n",
        b - a, c - b, c - a }'
