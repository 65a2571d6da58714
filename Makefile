# Everything happens in .venv and .make below this folder; no other place on the machine is written to.
SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
PYTHON := $(shell for name in python3.13 python3.12 python3 python3.14; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$name && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
ROOMS := rightbay gateway routing dtc_db audit storage api simulators

.PHONY: help
help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

.PHONY: demo
demo: .make/run ## set up, then watch faults become referrals (ARGS="--vehicles 12 --seconds 60")
	@$(BIN)/rightbay demo $(ARGS)

.PHONY: test
test: .make/dev ## set up, then run every test (ARGS="-k isotp")
	@$(BIN)/python scripts/run_tests.py $(ARGS)

.PHONY: load
load: .make/dev ## cut every line between the parts and time the recovery (wants a quiet machine)
	@$(BIN)/python -m pytest -m load $(ARGS)

.PHONY: cover
cover: .make/dev ## run the tests and say what no test reaches (slower; ARGS="tests/routing")
	@$(BIN)/python -m pytest --cov --cov-report=term:skip-covered $(ARGS)

.PHONY: check
check: .make/dev ## formatting, lint, types and the contracts between the rooms
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: format
format: .make/dev ## put the code into the house's form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: setup
setup: .make/run ## only set up: .venv with everything the service needs

.PHONY: lock
lock: .make/dev ## renew the lock files from the ranges in pyproject.toml
	@$(PIP) install uv
	@$(BIN)/python scripts/lock.py

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf .venv .make *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Rightbay needs Python 3.12 or newer, and python3 here is" \
		"$$(python3 --version 2>/dev/null || echo absent): install python3.13 (Debian 13, Ubuntu 24.04," \
		"pyenv and python.org have it) and run this again" >&2; exit 1; }
	@echo "setting up .venv with $(PYTHON) ..." >&2
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.make/run: .venv/bin/python requirements/run.txt pyproject.toml
	@echo "installing what the service needs (hash-checked) ..." >&2
	@$(PIP) install --require-hashes --requirement requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@mkdir -p .make && touch $@

.make/dev: .make/run requirements/dev.txt
	@echo "installing what the tests need (hash-checked) ..." >&2
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@
