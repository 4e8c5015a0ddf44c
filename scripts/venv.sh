#!/usr/bin/env bash
# Makes a virtual environment with pip in it, also where Python comes without ensurepip (Debian's python3 without
# python3-venv). Usage: venv.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2

if "$python" -c 'import ensurepip' 2>/dev/null; then
  exec "$python" -m venv "$folder"
fi

# No ensurepip: the environment is made without pip, and the pip that is already on the machine fills it.
if "$python" -m pip --version >/dev/null 2>&1; then
  "$python" -m venv --without-pip "$folder"
  exec "$python" -m pip --disable-pip-version-check --python "$folder/bin/python" install --quiet pip
fi

echo "This Python ($("$python" --version 2>&1)) has neither ensurepip nor pip, so it cannot make an environment." >&2
echo "Next step, one of: apt install python3-venv; or: make setup PYTHON=/path/to/another/python3" >&2
exit 1
