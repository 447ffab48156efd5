# Everything here needs Python 3.11 or newer and make, and runs as a normal user.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-lock
# Twice quiet: what pip says short of an error concerns the machine, not Custody.
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test lint bench kill bundle schema ui lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMP) ## Build the record from the bundled figures, without network
	@$(BIN)/custody run --offline

test: lint ## Check the code and run the tests; with ALL=1 those too that take long
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder $(if $(ALL),,-m "not thorough")

lint: $(STAMP) ## Check style, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(STAMP) ## Measure speed and memory
	@$(BIN)/python -m tests.bench

kill: $(STAMP) ## Kill a refresh at a hundred of its steps, and the command ten times
	@CUSTODY_KILLS=100 $(BIN)/python -m pytest -q tests/warehouse/test_kill.py tests/custody/test_refresh.py -k kill

bundle: $(STAMP) ## Remake the bundled figures from the archive
	@$(BIN)/custody bundle

schema: $(STAMP) ## Note the tables' schema as released
	@$(BIN)/python -m dictionary.released

ui: $(STAMP) ## Open the pipelines in Dagster's UI
	@$(BIN)/custody ui

# Runs before the environment is checked against the lock: an edited pyproject.toml must be lockable at once.
lock: ## Pin every dependency anew in requirements.lock
	@test -x $(BIN)/pip-compile || $(MAKE) --no-print-directory $(STAMP)
	@CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --no-strip-extras \
		--allow-unsafe --extra dev --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--output-file requirements.lock pyproject.toml

clean: ## Remove the environment and the caches, never the record in var/
	@rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so that an interrupted or failed creation starts afresh.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Custody needs Python 3.11 or newer: name one, for example 'make PYTHON=python3.12 $(MAKECMDGOALS)'." >&2; \
		exit 1; }
	@echo "Making the environment in $(VENV) from requirements.lock (once, a few minutes) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@
