# Every command there is. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
NEWER_PYTHON ?= python3.12
VENV := .venv
BIN := $(VENV)/bin
SITE = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
NPM := $(shell command -v npm 2>/dev/null || echo $(CURDIR)/$(BIN)/npm)
DETACH ?=
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install web up down status test simulate replay fuzz frozen model check check-marketdata generate bench bench-alone clean

help: ## List the commands.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[embedded,learning,dev,clients]'
	touch $@

install: $(VENV)/installed ## Make .venv with everything, at the versions of requirements.lock.

web/node_modules/installed: web/package-lock.json $(VENV)/installed
	cd web && $(NPM) ci --no-audit --no-fund --loglevel=error
	touch $@

web/dist/index.html: web/node_modules/installed $(shell find web/src web/index.html web/package.json web/vite.config.ts -type f 2>/dev/null)
	cd web && $(NPM) run --silent build

web: web/dist/index.html ## Build the page.

up: install web ## Start the mesh and watch it; Ctrl-C stops it. DETACH=1 returns instead.
	@exec $(BIN)/perpmesh up $(if $(DETACH),--detach)

down: install ## Stop the mesh.
	@$(BIN)/perpmesh down

status: install ## Show the health of every part.
	@$(BIN)/perpmesh status

test: install web ## The whole test suite, on ports and folders of its own.
	$(BIN)/python -m pytest

simulate: install ## Live SEEDS=1000 lives of the mesh in virtual time, with faults and kills, judged by the exchange.
	$(BIN)/python -m perpmesh.testing.simulation --seeds $${SEEDS:-1000} --first $${FIRST:-0}

replay: install ## Live one of them again, and tell it: SEED=7.
	$(BIN)/python -m perpmesh.testing.simulation --replay $(SEED)

fuzz: install ## Try the exchange with EXAMPLES=2000 times ten made-up requests of each kind, others each time.
	EXAMPLES=$${EXAMPLES:-2000} $(BIN)/python -m pytest --timeout=0 tests/adapters/exchange_sim/fuzz

frozen: install ## Stop a real execution for SECONDS=30 between check and send: the exchange refuses its entry.
	FROZEN_SECONDS=$(or $(SECONDS),30) $(BIN)/python -m pytest tests/adapters/execution/test_frozen.py

model: install ## Explore the entry lease's states within larger bounds than the test suite does: minutes.
	MODEL=deep $(BIN)/python -m pytest -s tests/unit/risk_safety/test_lease_model.py

.venv-clients/installed: Makefile
	$(NEWER_PYTHON) -m venv .venv-clients
	.venv-clients/bin/python -m pip install --quiet --disable-pip-version-check nautilus_trader==1.231.0
	touch $@

test-clients: install .venv-clients/installed ## Try other people's bots on the exchange, also those that need Python 3.12.
	$(BIN)/python -m pytest tests/clients

check: install web/node_modules/installed ## Format, lint, types, floors, contracts, generated code current.
	$(BIN)/ruff format --check --quiet services tests benchmarks examples
	$(BIN)/ruff check --quiet services tests benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	@if git rev-parse --verify --quiet origin/main >/dev/null; then \
	  $(BIN)/buf breaking --against '.git#ref=refs/remotes/origin/main'; \
	elif git rev-parse --verify --quiet main >/dev/null; then $(BIN)/buf breaking --against '.git#branch=main'; fi
	cd web && $(NPM) run --silent check && $(NPM) run --silent test
	$(MAKE) --no-print-directory generate
	@git diff --exit-code --stat -- generated web/src/gen docs/EVENT_SCHEMA.md docs/API_REFERENCE.md \
	  || { echo 'generated files are not current: commit what `make generate` made'; exit 1; }

generate: install web/node_modules/installed ## Make generated/, the page's client and two documents from protos/.
	@rm -rf generated.new && mkdir generated.new
	$(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=generated.new --mypy_out=quiet:generated.new \
	  $$(find protos/perpmesh_api protos/buf -name '*.proto' | sort)
	$(BIN)/python -m grpc_tools.protoc -Iprotos --grpc_python_out=generated.new --mypy_grpc_out=quiet,only_async:generated.new \
	  $$(find protos/perpmesh_api -name '*_service.proto' | sort)
	$(BIN)/python -m grpc_tools.protoc -Iprotos -I$(SITE) --include_imports --descriptor_set_out=generated.new/descriptors.binpb \
	  $$(find protos/perpmesh_api -name '*.proto' | sort) google/rpc/error_details.proto google/rpc/status.proto
	@touch generated.new/perpmesh_api/py.typed
	@rm -rf generated && mv generated.new generated
	cd web && $(NPM) run --silent generate
	$(BIN)/python -m perpmesh.cli.reference

check-marketdata: install ## Try the feeds on whole sets of real data in MARKETDATA=../shared/marketdata (not shipped).
	MARKETDATA=$${MARKETDATA:-../shared/marketdata} $(BIN)/python -m pytest tests/marketdata/check_marketdata.py

bench: install web ## Print the figures: latency, throughput, start, memory. ONLY="exchange fanout" for some.
	$(BIN)/python -m benchmarks $(ONLY)

bench-alone: install web ## Leave a mesh alone for MINUTES=120 at SPEED=60 and tell what it did and what grew.
	MINUTES=$${MINUTES:-120} SPEED=$${SPEED:-60} $(BIN)/python -m benchmarks alone

clean: ## Remove what was built and installed; .perpmesh/ stays.
	rm -rf $(VENV) .venv-clients web/node_modules web/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
