# Intaglio's workshop. `make` alone prints what there is.
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip itself refuses to touch the system's Python, whatever .venv may hold.
PIP := PIP_REQUIRE_VIRTUALENV=1 $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --require-hashes --only-binary :all: --no-compile --progress-bar off
PROGRESS := sed -n 's/^Collecting \([^ ]*\).*/      \1/p'
# A pipe ends as its last command does, so the file tells whether pip succeeded.
DONE := $(VENV)/.pip-succeeded
ARGS ?=
# A registry that does not answer must not hold everything up; where there is no `timeout`, it does.
BOUNDED := $(if $(shell command -v timeout),timeout 240)

.PHONY: help setup setup-dev run test check format bench fuzz mutate screenshots docs lock clean sdk sdk-node sdk-go sdk-java

help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A stamp and not the interpreter: an environment whose making was interrupted is made again.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another: make setup PYTHON=python3.12" >&2; exit 1; }
	@echo "[1/4] making $(VENV) with $$($(PYTHON) --version)"
	@scripts/venv.sh "$(PYTHON)" "$(VENV)"
	@touch $@

$(VENV)/.server: requirements/server.txt pyproject.toml | $(VENV)/.made
	@echo "[2/4] installing the locked wheels"
	@rm -f $(DONE); { $(INSTALL) -r requirements/server.txt && touch $(DONE); } | $(PROGRESS); test -f $(DONE)
	@echo "[3/4] installing intaglio itself (editable)"
	@$(PIP) install --quiet --no-deps --no-build-isolation --no-index --editable .
	@echo "[4/4] compiling bytecode"
	@$(BIN)/python -m compileall -q -j 0 src $(VENV)/lib || true
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.server
	@echo "[dev] installing what tests and checks need (a few minutes the first time)"
	@rm -f $(DONE); { $(INSTALL) -r requirements/dev.txt && touch $(DONE); } | $(PROGRESS); test -f $(DONE)
	@touch $@

setup: $(VENV)/.server ## Build .venv from locked wheels; the command is .venv/bin/intaglio
	@echo "ready: $(BIN)/intaglio"

setup-dev: $(VENV)/.dev ## Add what tests and checks need

run: setup ## Set up, then start `intaglio dev` (ARGS="--port 9000 --memory")
	@exec $(BIN)/intaglio dev $(ARGS)

test: setup-dev ## Run every test, then say what has a witness and what has not
	@scripts/test.sh $(BIN) $(ARGS)

check: setup-dev ## Format, lint (docstrings too), types, import contracts, docs in step
	@scripts/check.sh $(BIN)

format: setup-dev ## Rewrite the sources in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup-dev ## Measure; results go to benchmarks/results
	@$(BIN)/python benchmarks/run.py $(ARGS)

fuzz: setup-dev ## Fuzz every decoder with atheris and Hypothesis (ARGS="--seconds 60")
	@$(BIN)/python scripts/fuzz.py $(ARGS)

mutate: setup-dev ## Change the validation a little, many times, and see whether a test notices
	@$(BIN)/python scripts/mutate.py $(ARGS)

screenshots: setup-dev ## Take the screenshots of every page into docs/screenshots
	@$(BIN)/python scripts/screenshots.py $(ARGS)

docs: setup-dev ## Write the generated pages under docs/ and the inspector's data anew
	@$(BIN)/python scripts/docs.py
	@$(BIN)/python scripts/inspector.py
	@$(BIN)/python scripts/capabilities.py

lock: ## Compute requirements/*.txt anew (needs uv on the path)
	@scripts/lock.sh

sdk: sdk-node sdk-go sdk-java ## Install and build the foreign clients that the tests drive

sdk-node: ## Install the Node clients that the tests drive
	@if [ -f tests/sdk/node/package-lock.json ]; then cd tests/sdk/node && npm ci --no-audit --no-fund; else echo "no Node clients here"; fi

# Every folder with a main.go becomes build/FOLDER, and the folder above build/witness.
sdk-go: ## Build the Go clients that the tests drive
	@if command -v go >/dev/null; then cd tests/sdk/go && mkdir -p build && \
	  $(BOUNDED) go build -mod=readonly -trimpath -o build/ . && \
	  for one in */main.go; do $(BOUNDED) go build -mod=readonly -trimpath -o build/ "./$${one%/main.go}" || exit 1; done; \
	  else echo "Go is not installed: its clients are not built, and their tests are skipped"; fi

# Maven keeps no lock file, so what it fetched is held against the digests beside the pom.
sdk-java: ## Build the Java clients that the tests drive
	@if command -v mvn >/dev/null && command -v javac >/dev/null; then cd tests/sdk/java && rm -rf build && \
	  $(BOUNDED) mvn -q -B dependency:copy-dependencies -DoutputDirectory=build/lib -DincludeScope=runtime && \
	  (cd build/lib && sha256sum --check --strict --quiet ../../digests) && \
	  javac -cp 'build/lib/*' -d build/classes *.java; \
	  else echo "Maven or a JDK is not installed: the Java clients are not built, and their tests are skipped"; fi

clean: ## Remove what was built; ./var (the development database) stays
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/sdk/node/node_modules tests/sdk/go/build tests/sdk/java/build
	@find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "removed; ./var (the development database) was kept"
