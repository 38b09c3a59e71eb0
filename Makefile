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

.PHONY: deploy diff destroy secrets restart cost template
deploy: $(READY) ## Bring an environment up to date in AWS: make deploy ENV=production [IMAGE=…] (infra/deploy/README.md)
	@$(BIN)/python -m infra.deploy deploy "$(ENV)" $(if $(IMAGE),--image "$(IMAGE)")

diff: $(READY) ## Show what a deploy would change: make diff ENV=production [IMAGE=…]
	@$(BIN)/python -m infra.deploy diff "$(ENV)" $(if $(IMAGE),--image "$(IMAGE)")

destroy: $(READY) ## Delete an environment's services; refuses while it is protected: make destroy ENV=staging
	@$(BIN)/python -m infra.deploy destroy "$(ENV)"

secrets: $(READY) ## Fill in an environment's secrets, asking for each: make secrets ENV=production [FROM=file or -]
	@$(BIN)/python -m infra.deploy secrets "$(ENV)" $(if $(FROM),--from "$(FROM)")

restart: $(READY) ## Replace every task, so that new secrets are read: make restart ENV=production
	@$(BIN)/python -m infra.deploy restart "$(ENV)"

cost: $(READY) ## Estimate what an environment costs a month: make cost ENV=production
	@$(BIN)/python -m infra.deploy cost "$(ENV)"

template: $(READY) ## Print a CloudFormation template: make template STACK=data (or services, watch)
	@$(BIN)/python -m infra.deploy template "$(STACK)"

# What is stored: of the running sandbox, or with ENV=… of an environment in AWS.
DATA = $(BIN)/python -m infra.data $(if $(ENV),--env "$(ENV)")

.PHONY: kv-get kv-list export import erase-user erase-developer
kv-get: $(READY) ## Look up a documented key: make kv-get NAMESPACE=platform-usage KEY=usage:user_abc [ENV=production]
	@$(DATA) get "$(NAMESPACE)" "$(KEY)"

kv-list: $(READY) ## List keys: make kv-list NAMESPACE=tenant-tokens PREFIX=platform: [LIMIT=100] [ENV=…]
	@$(DATA) list "$(NAMESPACE)" "$(PREFIX)" $(if $(LIMIT),--limit "$(LIMIT)")

export: $(READY) ## Print all of a platform as JSON lines: make -s export PLATFORM=plt_… [ENV=…] >file
	@$(DATA) export "$(PLATFORM)"

import: $(READY) ## Bring an export back: make import FILE=file [ENV=…]
	@$(DATA) import "$(FILE)"

erase-user: $(READY) ## Erase an end-user: make erase-user PLATFORM=plt_… USER=alice [DRY_RUN=1] [ENV=…]
	@$(DATA) erase-user "$(PLATFORM)" "$(if $(filter command,$(origin USER)),$(USER))" $(if $(DRY_RUN),--dry-run)

erase-developer: $(READY) ## Erase a developer with all their end-users: make erase-developer USER=user_… [DRY_RUN=1] [ENV=…]
	@$(DATA) erase-developer $(if $(filter command,$(origin USER)),--user "$(USER)") $(if $(PLATFORM),--platform "$(PLATFORM)") $(if $(DRY_RUN),--dry-run)

.PHONY: test
test: $(READY) ## Run every test, on the native engine where it can be had, on all cores: make test [ARGS=…]
	@$(BIN)/python -m infra.sandbox.with_engine $(BIN)/python -m pytest $(SPREAD) $(ARGS)

.PHONY: test-engine
test-engine: $(READY) ## Run what the store itself decides on moto as well, the engine that needs no npm
	@$(BIN)/python -m pytest $(SPREAD) -m store $(ARGS)

.PHONY: test-browser
test-browser: $(READY) ## Click through every page in Chromium; pictures in build/screenshots
	@$(BIN)/python -m tests.browser.chromium > /dev/null
	@$(BIN)/python -m pytest $(SPREAD) -m browser tests/browser $(ARGS)

.PHONY: soak
soak: $(READY) ## Tell random sequences of calls, payments, kills and faults: make soak MINUTES=5 [SEED=n]
	@$(BIN)/python -m infra.sandbox.with_engine $(BIN)/python -m tests.trust.soak \
		--minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))

.PHONY: overload
overload: $(READY) ## Measure how a service under ten times what it takes on refuses, and recovers
	@$(BIN)/python -m infra.sandbox.with_engine $(BIN)/python -m tests.e2e.overload

.PHONY: bench
bench: $(READY) ## Measure beside a bare endpoint, a plain design and Redis: make bench [ARGS="--quick --profile"]
	@$(BIN)/python -m infra.bench $(ARGS)

.PHONY: lint
lint: $(READY) ## Check style, types and import rules
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m infra.secret_scan
	@$(BIN)/python -m infra.audit --new

# Lint looks up what a changed lock brought and needs no network while it did not change; this looks up everything
# again, for advisories that came since. ARGS: only these packages.
.PHONY: audit
audit: $(READY) ## Look every locked package up among the known advisories
	@$(BIN)/python -m infra.audit $(ARGS)

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
