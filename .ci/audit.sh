#!/bin/bash
# Known vulnerabilities of the pinned versions, where pip-audit and its service can be reached.
set -uo pipefail
cd "$(dirname "$0")/.."

audit=$(PATH="$PWD/.venv/bin:$PATH" command -v pip-audit) || {
    echo "audit skipped: pip-audit is not installed (pip install pip-audit)."
    exit 0
}
# Without its service, pip-audit finds no package, and unless told to be strict no vulnerability.
unreachable="connection ?error|max retries|timed out|proxyerror|could not be audited"
status=0
for lock in constraints/*.txt; do
    # The lock is complete: nothing is resolved or installed.
    if found=$("$audit" --requirement "$lock" --strict --no-deps --disable-pip --progress-spinner off 2>&1); then
        echo "$lock: no known vulnerability"
    elif grep -qiE "$unreachable" <<< "$found"; then
        echo "$lock: audit skipped: the service that knows of vulnerabilities cannot be reached."
    else
        echo "$lock:"$'\n'"$found"
        status=1
    fi
done
exit $status
