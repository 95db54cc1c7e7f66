# Every target sets up what it needs: a virtual environment in .venv, from hashed locks.
#   another Python:            make test PYTHON=python3.13 VENV=.venv-3.13
#   another Airflow (locks/):  make test LOCK=locks/airflow-3.1.lock VENV=.venv-airflow-3.1

PYTHON ?= python3
VENV ?= .venv
LOCK ?= requirements.lock
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Settings of the caller's shell that would change what is installed, or where, or leave it uncompiled.
unexport PIP_NO_BINARY PIP_PREFIX PIP_REQUIRE_VIRTUALENV PIP_TARGET PIP_USER
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Say what there is to run
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(READY) ## Sync a sample district to a sandbox ODS, four times, and check every record
	@$(BIN)/python -m sandbox.demo

.PHONY: ui
ui: $(READY) ## Look at the demo's ledger in Airflow's UI, signed in (port 8080; PORT=...)
	@$(BIN)/python -m sandbox.ui --port $(or $(PORT),8080)

.PHONY: sandbox
sandbox: $(READY) ## Run the sandbox ODS in the foreground, to look around in (port 8765; PORT=...)
	@$(BIN)/python -m sandbox.ods --port $(or $(PORT),8765)

.PHONY: up
up: ## Start the whole deployment in Docker: Airflow with Celery, SQL Server, an Ed-Fi API (docker-compose.yaml)
	@$(PYTHON) docker/make_env.py
	@docker compose build sample
	@docker compose up --detach
	@echo "Airflow: http://localhost:$$(sed -n 's/^AIRFLOW_PORT=//p' .env), user admin; the password is in .env."

.PHONY: down
down: ## Stop the deployment in Docker and drop its data
	@docker compose --profile '*' down --volumes

# Tests wait for other processes a third of their time: for servers, and for leases to run out.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() * 3 // 2)')

.PHONY: test
test: $(READY) ## Run the test suite
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: test-quick
test-quick: $(READY) ## Run the tests that need no Airflow process of their own
	@$(BIN)/python -m pytest -q -m "not slow and not installs and not cluster" $(ARGS)

.PHONY: test-installs
test-installs: $(READY) ## Test every way of installing on every supported Airflow (minutes)
	@$(BIN)/python -m pytest -q -m installs $(ARGS)

.PHONY: test-cluster
test-cluster: $(READY) ## Test the DAG on a scheduler, Redis and two Celery workers of this machine (minutes)
	@$(BIN)/python -m pytest -q -m cluster $(ARGS)

.PHONY: test-browser
test-browser: $(READY) ## Walk through the pages in a real browser, on every supported Airflow (minutes; installs chromium)
	@./tests/browser/install
	@$(BIN)/uv pip install --quiet --no-config --python $(BIN)/python --require-hashes -r locks/browser.lock
	@EDFI_CTE_BROWSER=1 $(BIN)/python -m pytest -q tests/browser $(ARGS)

.PHONY: screenshots
screenshots: $(READY) ## Draw the pictures of docs/images again from the demo's ledger (after make demo)
	@./tests/browser/install
	@$(BIN)/uv pip install --quiet --no-config --python $(BIN)/python --require-hashes -r locks/browser.lock
	@$(BIN)/python -m sandbox.screenshots

.PHONY: lint
lint: check-format check-imports check-types ## Check style, format, imports and types

.PHONY: check-format
check-format: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "Not formatted as above: run 'make format'."; exit 1; }

.PHONY: check-imports
check-imports: $(READY) ## Check which part imports which (the contracts in pyproject.toml)
	@$(BIN)/lint-imports --no-logo >$(VENV)/imports.log 2>&1 || { sed -n '/^Broken/,$$p' $(VENV)/imports.log; exit 1; }

.PHONY: check-types
check-types: $(READY) ## Check types alone (mypy, strict)
	@$(BIN)/python -m mypy

.PHONY: format
format: $(READY) ## Put all Python files into the format that lint wants
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

DOCS := .venv-docs

.PHONY: docs
docs: $(DOCS)/.ready ## Build the documentation site into build/docs
	@$(DOCS)/bin/python -m sphinx --quiet --fresh-env --write-all --fail-on-warning --keep-going --doctree-dir build/doctrees docs build/docs
	@echo "build/docs/index.html"

.PHONY: docs-generated
docs-generated: $(READY) ## Write the pages that are made from the code: settings, ledger
	@$(BIN)/python -m docs.generate

.PHONY: revision
revision: $(READY) ## Write the ledger's next revision from its schema (NAME="what it adds")
	@$(BIN)/python -m tests.revision "$(NAME)"
	@$(BIN)/ruff format --quiet plugins/edfi_cte/ledger/migrations

.PHONY: mutants
mutants: $(READY) ## Change the package at random and list what no test notices (SEED=, N=, ONLY=ledger; Python 3.12)
	@$(BIN)/python -m tests.mutants --seed $(or $(SEED),1) --number $(or $(N),50) --only "$(ONLY)"

.PHONY: bench
bench: $(READY) ## Measure a large district (ten minutes of an idle machine)
	@$(BIN)/python -m bench --keep

.PHONY: bench-state
bench-state: $(READY) ## Measure a whole state, 1,116 targets on one scheduler (a quarter of an hour)
	@$(BIN)/python -m bench --row 11 --keep

.PHONY: build
build: $(READY) ## Build the wheel and the sdist into dist/
	@$(BIN)/uv build --quiet --no-config --no-build-isolation --python $(BIN)/python --out-dir dist .
	@ls dist

.PHONY: lock
lock: $(READY) ## Resolve the dependencies again into requirements.lock and locks/
	@PATH="$(abspath $(BIN)):$$PATH" ./locks/update

.PHONY: clean
clean: ## Remove everything that these targets made, .venv included
	@rm -rf $(VENV) $(DOCS) .demo .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip checks uv's hashes, uv checks everyone else's. The project itself is installed editable.
$(READY): $(LOCK) locks/bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version 2>&1): Python 3.11, 3.12 or 3.13 is needed. Name one: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV) from $(LOCK) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "No virtual environment could be made (on Debian and Ubuntu: apt-get install python3-venv)."; exit 1; }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: -r locks/bootstrap.lock
	@$(BIN)/uv pip install --quiet --no-config --python $(BIN)/python --require-hashes --compile-bytecode -r $(LOCK)
	@$(BIN)/uv pip install --quiet --no-config --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(DOCS)/.ready: locks/docs.lock locks/bootstrap.lock
	@echo "Setting up $(DOCS) from locks/docs.lock ..."
	@test -x $(DOCS)/bin/python || $(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: -r locks/bootstrap.lock
	@$(DOCS)/bin/uv pip install --quiet --no-config --python $(DOCS)/bin/python --require-hashes -r locks/docs.lock
	@touch $@
