#!/usr/bin/env bash
# Runs every test: what can share the machine in two processes; then what has to be alone, and beside it what only waits
# for time to pass; then the table.
# Usage: test.sh BIN_FOLDER [pytest's arguments: then one plain run with these]
set -uo pipefail
bin=$1
shift
if (($#)); then
  exec "$bin/python" -m pytest --capabilities "$@"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
echo "[1/3] what can share the machine, in two processes"
"$bin/python" -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not alone and not waits" \
  --outcomes-to="$folder/shared" || failed=1
echo "[2/3] what has to be alone, and the table; beside it what only waits"
nice -n 10 "$bin/python" -m pytest -m waits --outcomes-to="$folder/waits" >"$folder/waits.log" 2>&1 &
waiting=$!
"$bin/python" -m pytest -m alone --outcomes-from="$folder/shared" --outcomes-from="$folder/waits" --capabilities || failed=1
echo "[3/3] what only waited"
wait "$waiting" || failed=1
cat "$folder/waits.log"
exit "$failed"
