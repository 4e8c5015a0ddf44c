#!/bin/sh
# Makes a virtual environment with pip in it, also where Python comes without ensurepip (Debian's python3 without
# python3-venv). Usage: venv.sh PYTHON FOLDER
set -eu
python=$1
folder=$2

is_environment() {
  "$folder/bin/python" -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null
}

# What was left by an interrupted run may lead to the system's Python: it is not built upon.
clear=
if [ -e "$folder" ] && ! is_environment; then
  clear=--clear
fi

if "$python" -c 'import ensurepip' 2>/dev/null; then
  "$python" -m venv $clear "$folder"
elif "$python" -m pip --version >/dev/null 2>&1; then
  # No ensurepip: the environment is made without pip, and the pip that is already on the machine fills it.
  "$python" -m venv $clear --without-pip "$folder"
  "$python" -m pip --disable-pip-version-check --python "$folder/bin/python" install --quiet pip
else
  echo "This Python ($("$python" --version 2>&1)) has neither ensurepip nor pip, so it cannot make an environment." >&2
  echo "Next step, one of: apt install python3-venv; or: make setup PYTHON=/path/to/another/python3" >&2
  exit 1
fi

if ! is_environment; then
  echo "$folder is not an environment of its own; remove it and run make setup again." >&2
  exit 1
fi
