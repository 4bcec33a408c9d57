PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv .venv
	$(PIP) --upgrade pip

.venv/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[fastapi,prices]' --group demo
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[all]' --group dev
	@touch $@

# in a terminal it gets a process group of its own, so that Ctrl-C ends the demo in order and not make in the middle
DEMO = $(BIN)/python -m example_apps.fastapi_chat --port $(PORT)
demo: .venv/.demo ## set up and start the FastAPI chat example (PORT=8000)
	@if [ -t 0 ]; then set -m; else exec $(DEMO); fi; $(DEMO)

test: .venv/.dev ## set up and run the tests
	$(BIN)/python -m pytest $(ARGS)

check: .venv/.dev ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

format: .venv/.dev ## format, fix what can be fixed, renew the README's tables
	$(BIN)/python -m tools.readme
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: .venv/.dev ## run the benchmarks
	$(BIN)/python -m tools.bench
	$(BIN)/python -m tools.readme

clean: ## remove what make made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache
