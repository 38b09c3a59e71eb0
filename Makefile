# Every task of this project. CI runs the same targets as a person and nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The first Python that runs and is new enough; say another with make PYTHON=….
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
# Tests on all cores; a core that is idle takes over what another has not begun.
SPREAD := -n auto --dist worksteal
SOURCES := shared platform_api tenant_api oauth_bridge infra tests

.PHONY: help
help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# The one set-up step: a virtual environment with exactly the locked packages. Repeats only when the lock changes.
$(READY): requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing; install it and run make again."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "$(PYTHON) does not run or is older than Python 3.11; say another: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (once, about a minute)…"
	@$(PYTHON) -m venv --clear $(VENV)
	@# The lock is complete: with --no-deps nothing that is not in it can slip in, whatever was published since.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	@$(BIN)/python -m pip check --quiet
	@touch $@

.PHONY: install
install: $(READY) ## Set up the virtual environment

.PHONY: run
run: $(READY) ## Start the whole product on this machine, with stand-ins for AWS, Clerk and Stripe
	@exec $(BIN)/python -m infra.sandbox $(if $(PORTS),--ports-from $(PORTS))

.PHONY: token
token: $(READY) ## Print a fresh token of the running product: make token USER=dev@example.com [APP=end-user-api]
	@$(BIN)/python -m infra.sandbox.token "$(USER)" $(if $(APP),--app $(APP))

.PHONY: reconcile
reconcile: $(READY) ## Compare Stripe, our records and Clerk, and heal, both services: make reconcile [ARGS=--dry-run]
	@$(BIN)/python -m infra.sandbox.command platform_api reconcile $(ARGS)
	@$(BIN)/python -m infra.sandbox.command tenant_api reconcile $(ARGS)

.PHONY: reset
reset: $(READY) ## Forget everything `make run` has stored
	@$(BIN)/python -m infra.sandbox.reset

.PHONY: test
test: $(READY) ## Run every test, on the native engine where it can be had, on all cores: make test [ARGS=…]
	@$(BIN)/python -m infra.sandbox.with_engine $(BIN)/python -m pytest $(SPREAD) $(ARGS)

.PHONY: test-engine
test-engine: $(READY) ## Run the tests that lean on the store itself on moto as well, the engine that needs no npm
	@$(BIN)/python -m pytest $(SPREAD) -m store $(ARGS)

.PHONY: test-browser
test-browser: $(READY) ## Click through every page in Chromium; pictures in build/screenshots
	@$(BIN)/python -m tests.browser.chromium > /dev/null
	@$(BIN)/python -m pytest -m browser tests/browser $(ARGS)

.PHONY: bench
bench: $(READY) ## Measure beside a bare endpoint, a plain design and Redis: make bench [ARGS="--quick --profile"]
	@$(BIN)/python -m infra.bench $(ARGS)

.PHONY: lint
lint: $(READY) ## Check style, types and import rules
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: format
format: $(READY) ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix --quiet $(SOURCES) || true
	@$(BIN)/ruff format --quiet $(SOURCES)

.PHONY: lock
lock: $(READY) ## Renew the locked requirements from requirements*.in
	@for file in requirements requirements-dev; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			--no-emit-index-url --no-emit-find-links --upgrade $$file.in -o $$file.txt; done

.PHONY: clean
clean: ## Remove the virtual environment, caches and build output
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
