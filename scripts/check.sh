#!/usr/bin/env bash
# Runs every check, says which failed, and fails if any did. Usage: check.sh BIN_FOLDER
set -uo pipefail
bin=$1
failed=()

check() {
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}

check format "$bin/ruff" format --check --quiet .
check lint "$bin/ruff" check --quiet .
check types "$bin/mypy"
check contracts "$bin/lint-imports" --no-logo
check docs "$bin/python" scripts/docs.py --check
check inspector "$bin/python" scripts/inspector.py --check
check capabilities "$bin/python" scripts/capabilities.py --check

if ((${#failed[@]})); then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
echo "all checks passed"
