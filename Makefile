# What a person types here. `make` alone lists it.

PYTHON ?= python3
ARGS ?=
ROUNDS ?= 20
EXAMPLES ?= 60
# One more than a small machine has cores: tests that run the whole service mostly wait.
WORKERS ?= 3
BENCH ?= serve
BIN := .venv/bin
PEERS := .venv/peers
DOCS := .venv/docs
DJANGO := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help run test explore schemathesis check fix openapi docs demo pictures bench soak bench-regret
.NOTPARALLEL:

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(firstword $(MAKEFILE_LIST))

run: .venv/.for-running ## the whole service on http://localhost:3100 (PORT, LEVERED_HOME)
	@$(DJANGO) up $(ARGS)

# The second part runs the service's own code, which needs neither limits nor logs there.
demo: .venv/.for-running ## six optimizations with real and simulated traffic, in the service of `make run`
	@export LEVERED_TOKEN=$${LEVERED_TOKEN:-$$($(DJANGO) issue_token --org org_demo --role admin)} \
		LEVERED_URL=$${LEVERED_URL:-http://localhost:$${PORT:-3100}} && \
	$(BIN)/python -m levered_site.demo && \
	RATELIMIT_GLOBAL=0 RATELIMIT_INGEST=0 LOG_LEVEL=ERROR $(DJANGO) write_demo_history

pictures: .venv/.for-tests ## take the pictures of README and docs, in chromium, from `make run` after `make demo`
	@LEVERED_URL=$${LEVERED_URL:-http://localhost:$${PORT:-3100}} LOG_LEVEL=ERROR \
		$(DJANGO) make_pictures $(ARGS)

test: .venv/.for-tests ## the tests, side by side in WORKERS=3 processes with stores of their own (ARGS="-k name")
	$(BIN)/python -m pytest --cache-clear -n $(WORKERS) $(ARGS) || \
		{ [ $$? = 1 ] && $(BIN)/python -m tests.support.second_look $(ARGS); }

explore: .venv/.for-tests ## search for what breaks a property test, with fresh seeds (ROUNDS=20 ARGS="-k name")
	ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -n $(WORKERS) -m hypothesis --hypothesis-profile=explore $(ARGS)

schemathesis: .venv/.for-tests ## ten minutes of requests made from docs/openapi.yaml, with fresh seeds (EXAMPLES=60)
	EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -p no:xdist --hypothesis-profile=explore tests/test_schemathesis.py $(ARGS)

# Needs no running store. The secrets it makes are not those of `make run`. Django's own
# deployment checks look at the settings as they are behind an https address; comparing
# the models with the migrations warns that no database is there to compare with as well.
check: export LEVERED_HOME := $(CURDIR)/.venv/check
check: .venv/.for-tests ## style, types, architecture, settings, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	cd clients/python/src && $(CURDIR)/$(BIN)/lint-imports --config ../pyproject.toml
	PUBLIC_URL=https://levered.example TRUSTED_PROXIES=1 $(DJANGO) check --deploy --fail-level WARNING
	$(BIN)/python -W "ignore:Got an error checking a consistent:RuntimeWarning" \
		manage.py makemigrations --check --dry-run

fix: .venv/.for-tests ## format the code and apply the linter's safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: export LEVERED_HOME := $(CURDIR)/.venv/check
openapi: .venv/.for-tests ## write docs/openapi.yaml and the Python client's types again; tests compare them
	@$(DJANGO) spectacular --file docs/openapi.yaml
	@$(BIN)/python clients/python/generate.py

docs: .venv/.for-docs ## build docs/ into site/ (open site/index.html)
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --quiet
	@echo "site/index.html (its search needs a server: python3 -m http.server -d site)"

bench: .venv/.for-tests ## a measurement of benchmarks/ (BENCH=serve ARGS=--help)
	@$(BIN)/python -m benchmarks.$(BENCH) $(ARGS)

soak: .venv/.for-running ## ten minutes of traffic and kill -9, then every row checked (ARGS="--minutes 1")
	@$(BIN)/python -m benchmarks.soak $(ARGS)

bench-regret: $(PEERS)/.for-regret ## regret beside other engines; goes on where it stopped (ARGS=--help)
	@$(PEERS)/bin/python -m benchmarks.regret $(ARGS)

# pip comes last into a new environment, so that a half-made one is made again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed. Name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.for-running: requirements.txt | $(BIN)/pip
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt
	@touch $@

.venv/.for-tests: tests/requirements.txt tests/requirements-alone.txt .venv/.for-running
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt -r tests/requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps -r tests/requirements-alone.txt
	@touch $@

.venv/.for-docs: docs/requirements.txt | $(BIN)/pip
	$(BIN)/python -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --disable-pip-version-check --quiet -r $<
	@touch $@

# The peers are installed one by one, so that one that fails costs no other.
$(PEERS)/.for-regret: benchmarks/regret/requirements.txt benchmarks/regret/peers.txt | $(BIN)/pip
	$(BIN)/python -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --disable-pip-version-check --quiet -r $<
	@grep -v '^#' benchmarks/regret/peers.txt | while read -r peer; do \
		$(PEERS)/bin/python -m pip install --disable-pip-version-check --quiet \
			--no-deps --ignore-requires-python "$$peer" || echo "left out: $$peer"; \
	done
	@touch $@
