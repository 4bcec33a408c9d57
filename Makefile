PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo demo-django demo-flask test test-slow newcomer interop interop-servers servers hostile storm test-oldest test-3.14 check format bench instructions docs clean

help: ## show this list
	@grep -hE '^[a-z0-9.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv .venv
	$(PIP) --upgrade pip

.venv/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[fastapi,prices]' --group demo
	@touch $@

.venv/.demo-%: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[$*,prices]' --group demo
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[all]' --group dev
	@touch $@

# a module of Apache, built against it: apt-get install apache2-bin apache2-dev
.venv/.mod-wsgi: .venv/.dev
	$(PIP) --group mod-wsgi
	@touch $@

# OpenTelemetry's own instrumentation of the official SDK, with which tests/compare/test_telemetry.py compares ours
.venv/.reference-telemetry: .venv/.dev
	$(PIP) --group reference-telemetry
	@touch $@

.venv/.interop: .venv/.dev
	$(PIP) --group interop
	@touch $@

.venv/.bench: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[all]' --group bench
	@touch $@

# two versions of a package cannot share an environment: this one has a place of its own, over the same dependencies
build/bench/openai2: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@ openai==2.54.0 distro tqdm

# gateways, with which the controls are compared: what they need does not fit ours
build/bench/litellm/.ready: tools/bench/litellm.txt | $(BIN)/python
	$(BIN)/python -m venv --clear build/bench/litellm
	build/bench/litellm/bin/python -m pip install --quiet --disable-pip-version-check -c tools/bench/litellm.txt 'litellm[proxy]'
	@touch $@

build/bench/portkey/.ready:
	npm install --silent --no-save --prefix build/bench/portkey @portkey-ai/gateway@1.15.2
	@touch $@

.venv/.docs: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[all]' --group docs
	@touch $@

# in a terminal it gets a process group of its own, so that Ctrl-C ends the demo in order and not make in the middle
define start
@if [ -t 0 ]; then set -m; else exec $(1); fi; $(1)
endef
demo = $(call start,$(BIN)/python -m example_apps.$(1)_chat --port $(PORT))

demo: .venv/.demo ## set up and start the FastAPI chat example (PORT=8000)
	$(call demo,fastapi)

demo-django: .venv/.demo-django ## the same in Django
	$(call demo,django)

demo-flask: .venv/.demo-flask ## the same in Flask
	$(call demo,flask)

# a file stays with one worker: its tests run in their order, and what they share is built once
WORKERS ?= auto
PARALLEL = -n $(WORKERS) --dist loadfile

test: .venv/.dev ## set up and run the tests but the slow ones, on all cores (ARGS="..." runs what it names, and nothing else)
	$(BIN)/python -m pytest $(or $(ARGS),$(PARALLEL) -m "not slow")

test-slow: .venv/.dev build/bench/openai2 ## the slow ones: servers, forks, browsers, each with the machine for itself
	$(BIN)/python -m pytest -m slow $(ARGS)

newcomer: .venv/.dev ## follow the quick starts in empty folders, with a wheel, from installing to a test that passes
	$(BIN)/python -m pytest -q -o addopts=--import-mode=importlib tests/newcomer $(ARGS)

# each library has an environment of its own in build/interop, so that its pins do not touch ours
interop: .venv/.interop ## libraries that take an OpenAI client, given ours, all or LIBRARIES="langchain_openai instructor"
	$(BIN)/python -m tools.interop $(LIBRARIES) $(ARGS)

servers: .venv/.dev ## every server with every framework, 2,000 requests each
	REQUESTS=2000 $(BIN)/python -m pytest -q --durations=0 tests/servers $(ARGS)

HOSTILE := $(addprefix tests/hostile/,test_matrix.py test_breaks.py test_official.py test_identity.py test_sequences.py)

hostile: .venv/.dev ## answers of every kind, written in every way: the sample of the gate
	STORM=sample $(BIN)/python -m pytest -q -n $(WORKERS) $(HOSTILE) $(ARGS)

storm: .venv/.dev ## the same for all of them, which takes an hour (SEED=n repeats a run, CELL=name or BREAK=name one cell)
	STORM=all $(BIN)/python -m pytest -q tests/hostile/storm.py $(HOSTILE) $(ARGS)

build/upstreams/%/.ready: tests/upstreams/pins/%.txt
	$(PYTHON) -m venv --clear build/upstreams/$*
	build/upstreams/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

interop-servers: .venv/.dev build/upstreams/litellm/.ready build/upstreams/transformers/.ready ## call servers of others: nginx, litellm's proxy, transformers with a tiny model
	$(BIN)/python -m pytest -q tests/upstreams $(ARGS)

build/oldest/.ready: pyproject.toml tests/oldest.txt
	$(PYTHON) -m venv --upgrade-deps build/oldest
	build/oldest/bin/python -m pip install --quiet -c tests/oldest.txt -e '.[all]' --group test --group lint
	@touch $@

# the old test client of Starlette leaves open what it should close
test-oldest: build/oldest/.ready ## the same with the oldest libraries that are supported (PYTHON=python3.11)
	build/oldest/bin/python -m pytest -W ignore::pytest.PytestUnraisableExceptionWarning $(ARGS)

# CPython 3.14 as WebAssembly, which the npm registry has, and packages that PyPI has for it
WASM := --only-binary=:all: --python-version 3.14 --implementation cp --abi cp314 --abi none --platform pyemscripten_2026_0_wasm32
build/python314/.ready: pyproject.toml constraints.txt | $(BIN)/python
	npm install --silent --no-save --prefix build/python314 pyodide@314.0.7
	$(PIP) $(WASM) --target build/python314/site httpx pydantic certifi h11 idna pytest hypothesis fastapi opentelemetry-api \
		genai-prices httpx2 httpx2-jsfetch openai redis tzdata websockets
	@touch $@

test-3.14: build/python314/.ready ## what of Python 3.14 can be had without an interpreter of its own (node and npm)
	node tools/python314/run.mjs $(CURDIR)/build/python314 tools/python314/check.py

check: .venv/.dev ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

format: .venv/.dev ## format, fix what can be fixed, renew what is written from the code: tables, texts below keywords, the picture of the rooms
	$(BIN)/python -m tools.keywords
	$(BIN)/python -m tools.generate_api
	$(BIN)/python -m tools.readme
	$(BIN)/python -m tools.rooms
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

GATEWAYS := build/bench/litellm/.ready build/bench/portkey/.ready

bench: .venv/.bench build/bench/openai2 $(GATEWAYS) ## run the benchmarks, for 20 minutes, and renew figures and plots (ARGS=--quick tries it)
	$(BIN)/python -m tools.bench $(ARGS)
	$(BIN)/python -m tools.readme

instructions: .venv/.dev ## count the instructions of a small call, with valgrind, and fail where they have become more
	$(BIN)/python -m tools.bench.instructions

docs: .venv/.docs ## build the documentation in build/docs, where every warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict --config-file tools/docs/mkdocs.yml

clean: ## remove what make made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache
