# Mien's commands. `make` alone lists them; ARGS passes flags on: make demo ARGS=--no-serve, make test ARGS="-k ingest".

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
EXTRAS ?= dev,demo,console,models,postgres
MARKS ?= not slow and not service
WORKERS ?= 2

# A stamp remembers which extras were installed; it is out of date when the pins or the project's metadata change.
comma := ,
stamp = $(VENV)/.installed-$(subst $(comma),-,$(1))
pip_install = $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt

.PHONY: help demo test test-all check lint format bench screenshots clean
.DEFAULT_GOAL := help

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: $(call stamp,demo$(comma)console) ## a shop from public data: build it, show it, serve it on port 8000 (ARGS=--no-serve: only show)
	@$(BIN)/mien demo $(ARGS)

test: $(call stamp,$(EXTRAS)) ## the default test suite (MIEN_REQUIRE_SHARED=1: fail where ../shared is missing)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "$(MARKS)" $(ARGS)

test-all: ## every test, the slow ones and those that need servers or Java included
	@$(MAKE) --no-print-directory test MARKS= EXTRAS=dev,demo,console,models,tune,redis,postgres,kafka,spark

check: lint test ## format, lint, strict types, layer contract, tests

lint: $(call stamp,$(EXTRAS)) ## format, lint, strict types, layer contract
	@$(BIN)/ruff format --check --quiet . || { echo "Some files are not formatted; run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(call stamp,$(EXTRAS)) ## format the code and mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: $(call stamp,$(EXTRAS)) ## the speed benchmarks, printed as ratios
	@$(BIN)/python -m benchmarks

screenshots: $(call stamp,$(EXTRAS)) ## pictures of every page of storefront and console, in both languages, into docs/screenshots
	@$(BIN)/mien demo --no-serve >/dev/null
	@$(BIN)/python -m benchmarks.screenshots demo-shop docs/screenshots

clean: ## remove the virtual environment, caches and build outputs (workspaces stay)
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	@find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed-%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Mien with the extras $(subst -,$(comma) ,$*) into $(VENV) …"
	@$(pip_install) -e ".[$(subst -,$(comma),$*)]"
	@touch $@

$(BIN)/python:
	@python=$$(for name in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	    "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; \
	  done); \
	test -n "$$python" || { echo "Mien needs Python 3.11 or newer, and none was found. Install one, or name it: make PYTHON=/path/to/python3"; exit 1; }; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$$python cannot create a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
