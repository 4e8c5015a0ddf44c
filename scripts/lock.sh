#!/usr/bin/env bash
# Computes the locks: exact versions and hashes for every platform and Python from 3.11, and no download address.
set -euo pipefail
cd "$(dirname "$0")/.."
options=(--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate)
uv pip compile "${options[@]}" --extra server -o requirements/server.txt "$@" pyproject.toml requirements/build.in
uv pip compile "${options[@]}" --extra server -c requirements/server.txt -o requirements/dev.txt "$@" \
  pyproject.toml requirements/build.in requirements/dev.in
