#!/usr/bin/env bash
# Runs every test in two parts: what can share the machine in two processes, then what has to be alone; then the table.
# Usage: test.sh BIN_FOLDER [pytest's arguments: then one plain run with these]
set -uo pipefail
bin=$1
shift
if (($#)); then
  exec "$bin/python" -m pytest --capabilities "$@"
fi
outcomes=$(mktemp)
trap 'rm -f "$outcomes"' EXIT
failed=0
echo "[1/2] what can share the machine, in two processes"
"$bin/python" -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not alone" --outcomes-to="$outcomes" || failed=1
echo "[2/2] what has to be alone, and the table"
"$bin/python" -m pytest -m alone --outcomes-from="$outcomes" --capabilities || failed=1
exit "$failed"
