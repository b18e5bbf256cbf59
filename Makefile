# Every target sets up .venv first, and again only when a lock or a pyproject.toml has changed.
# Needed beforehand: Python 3.11 or newer, and make.

.DEFAULT_GOAL := help
SHELL := /bin/sh

BIN := .venv/bin
INSTALLED := .venv/.installed
PACKAGES := libs/events libs/http libs/webhooks libs/embedded cli \
	services/orders services/profile services/engagement services/support services/recommend
COMPOSE := docker compose --file deploy/compose.yaml

# Expanded only by the recipe that installs. `python3` may be older than what stands beside it. The system's own
# comes first: it is built with profile-guided optimisation, which one built by hand often lacks, and is
# a fifth faster for it.
PYTHON ?= $(shell for python in /usr/bin/python3 python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo $$python && break; done)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: $(INSTALLED) ## Set up .venv with hashed requirements (implied by every other target)

$(INSTALLED): requirements-uv.txt requirements-dev.lock tools/install.py $(PACKAGES:%=%/pyproject.toml)
	@if [ -z "$(PYTHON)" ]; then \
		echo "Perennial needs Python 3.11 or newer with its venv module, and found none on the PATH." >&2; \
		echo "Install one, or name it: make install PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@$(PYTHON) tools/install.py

.PHONY: run
run: $(INSTALLED) ## Start the platform on this machine (LOG=kafka: on a real Kafka)
	@exec $(BIN)/perennial up $(if $(LOG),--log $(LOG))

.PHONY: demo
demo: $(INSTALLED) ## Start it, replay a shop's history and show the result (DATA=file.csv: your own shop)
	@exec $(BIN)/perennial demo $(if $(LOG),--log $(LOG)) $(if $(DATA),--data "$(DATA)")

# One process more than two cores: tests wait for servers to start and stop.
.PHONY: test
test: $(INSTALLED) ## Run every test (PERENNIAL_REQUIRE_KAFKA=1: a missing Kafka fails)
	$(BIN)/python -m pytest -n 3 --dist loadgroup $(ARGS)

.PHONY: test-long
test-long: $(INSTALLED) ## Run the long tests: the same machines with more seeds and minutes
	PERENNIAL_LONG=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -m long --timeout 900 $(ARGS)

# mypy sees each folder of tests in a run of its own, because several hold a module called conftest.
.PHONY: check
check: $(INSTALLED) ## Check format, lint, types and the architecture's walls
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(wildcard libs/*/perennial_* cli/perennial_cli services/*/*_service bench tools)
	@for tests in $(wildcard libs/*/tests cli/tests services/*/tests tests deploy/tests); do \
		echo "mypy $$tests"; $(BIN)/mypy --no-error-summary $$tests || exit 1; done
	$(BIN)/python -m pytest -q tests/architecture

.PHONY: bench
bench: $(INSTALLED) ## Measure speed and memory into bench/results/latest.json
	$(BIN)/python -m bench $(ARGS)

.PHONY: kafka
kafka: $(INSTALLED) ## Run a real Apache Kafka in the foreground and print its address
	@exec $(BIN)/perennial kafka

.PHONY: up
up: ## Build and start the containers (PostgreSQL, Kafka, five services)
	$(COMPOSE) up --build --detach --wait

.PHONY: down
down: ## Stop the containers (their data stays)
	$(COMPOSE) down

.PHONY: logs
logs: ## Follow the containers' logs
	$(COMPOSE) logs --follow

.PHONY: migrate
migrate: $(INSTALLED) ## Bring every database to its newest schema
	$(BIN)/perennial migrate

.PHONY: docs
docs: $(INSTALLED) ## Generate OpenAPI, AsyncAPI and the event schemas
	$(BIN)/perennial docs

.PHONY: lock
lock: $(INSTALLED) ## Resolve requirements*.in anew into the hashed locks
	$(BIN)/uv pip compile $(LOCK_FLAGS) -o requirements.lock requirements.in
	$(BIN)/uv pip compile $(LOCK_FLAGS) -c requirements.lock -o requirements-dev.lock requirements-dev.in

LOCK_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock"

.PHONY: clean
clean: ## Remove .venv and caches (never .perennial: that is data)
	rm -rf .venv .venv.lock .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
