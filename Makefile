.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
TEST_ARGS ?= -n 2 --dist worksteal --durations 30

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*?## "} {printf "  make %-8s %s\n", $$1, $$2}'

# The environment is rebuilt when what it is made from changes.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[apprise,email,ics,otel,postgres,prometheus,redis,rrule,sentry,server]" --group dev
	@touch $@

.PHONY: demo
demo: .venv/ready ## Check 1,000 monitors over real HTTP, on SQLite, with a dashboard at :8000 (DEMO_SECONDS=30 ends by itself)
	@$(MAKE) --no-print-directory ui || echo "The web UI could not be built (it needs Node 20 and npm's registry); the demo goes on without it."
	$(BIN)/python -m examples.monitors

.PHONY: test
test: .venv/ready check ## Set up all that is needed and test everything, on SQLite and PostgreSQL
	$(BIN)/python -m pytest $(TEST_ARGS) --cache-clear || { [ $$? -eq 1 ] && $(BIN)/python -m tests.again; }

.PHONY: examples
examples: .venv/ready ## Run all examples to their ends, on SQLite and PostgreSQL (15 minutes)
	$(BIN)/python -m tests.e2e.examples

.PHONY: check
check: .venv/ready ## Format, lint, types, floors, sizes and documents; under a minute, no server
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n 0 -p no:randomly tests/architecture
	@$(MAKE) --no-print-directory docs

.PHONY: docs
docs: .venv/ready ## Check the documents: links, headings, languages, what is said twice, the reference
	$(BIN)/python -m pytest -q -n 0 -p no:randomly tests/docs/test_pages.py tests/docs/test_said_once.py tests/docs/test_reference.py

ui/node_modules/ready: ui/package.json ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

src/onbeat/ui/dist/index.html: ui/node_modules/ready ui/index.html $(shell find ui/src ui/public ui/*.ts ui/*.json -type f)
	cd ui && npm run --silent check && npm run --silent test && npm run --silent build

.PHONY: ui
ui: src/onbeat/ui/dist/index.html ## Check, test and build the web UI into the package (needs Node 20)

.PHONY: client
client: .venv/ready ui/node_modules/ready ## Make the UI's client anew from the description of the API
	$(BIN)/python -m onbeat.api > ui/openapi.json
	cd ui && npm run --silent client
	sed -i 's/{@link [^ ]* \(`[^`]*`\)}/\1/' ui/src/client/client/types.gen.ts # no address of a registry
	cd ui && sha256sum < openapi.json | cut -d' ' -f1 > src/client/made_from && rm openapi.json

.PHONY: reference
reference: .venv/ready ## Write the pages of docs/reference anew, from the code
	$(BIN)/python -m tests.docs.reference

# What says what it does within one process: the rest starts others, which are not counted. Of both engines
# SQLite alone: what is done for PostgreSQL is done in greenlets, which are counted 17 times as slowly. Nor is
# what tries thousands of cases, and takes minutes as it is.
COVERED := $(addprefix tests/,alerts api app cli clients contract domain integrations migrations outbound runtime sources store telemetry testing worker)
COUNTED := not postgresql and not test_zones and not clock_change and not differential and not words_are_true \
	and not test_year and not bounded_model and not test_storm and not prometheus_answers

.PHONY: coverage
coverage: .venv/ready ## Which part of the package tests pass through, with branches; fails below 90 % (15 minutes)
	$(BIN)/python -m pytest $(COVERED) -k "$(COUNTED)" -n 3 --dist worksteal -q --cov --cov-report=term

.PHONY: chaos
chaos: .venv/ready ## Kill, stop and cut off processes among 20,000 jobs, on both engines (CHAOS_ARGS="--seed 1")
	$(BIN)/python -m tests.chaos --jobs 20000 --engine both $(CHAOS_ARGS)

.PHONY: simulate
simulate: .venv/ready ## Run 2,000 seeds of the simulation (SIMULATE_ARGS="--seed 4711 --trace" repeats one)
	$(BIN)/python -m tests.simulation --seeds 2000 $(SIMULATE_ARGS)

.PHONY: bench
bench: .venv/ready ## Measure beside peers and raw SQL, in turns; writes docs/benchmarks (20 minutes)
	$(BIN)/python -m benchmarks

.PHONY: outages
outages: .venv/ready ## Ride out each outage of 70 s at default settings, on both engines (25 minutes)
	$(BIN)/python -m tests.outages

.PHONY: hosts
hosts: .venv/ready ## Cut off a region of three, each on a network of its own, at default settings (as root, 12 minutes)
	$(BIN)/python -m tests.hosts $(HOSTS_ARGS)

.PHONY: lock
lock: ## Write constraints.txt and ui/package-lock.json anew
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[apprise,email,ics,otel,postgres,prometheus,redis,rrule,sentry,server]" --group dev
	$(BIN)/python -m pip freeze --exclude-editable | grep -v '^pip==' > constraints.txt
	@touch .venv/ready
	cd ui && npm install --package-lock-only --no-audit --no-fund && node lock.mjs

.PHONY: clean
clean: ## Remove the environment and what tools left behind
	rm -rf .coverage .venv .bench .debian build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
