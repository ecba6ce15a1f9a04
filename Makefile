.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*?## "} {printf "  make %-8s %s\n", $$1, $$2}'

# The environment is rebuilt when what it is made from changes.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[postgres,rrule]" --group dev
	@touch $@

.PHONY: demo
demo: .venv/ready ## Check 1,000 monitors over real HTTP, on SQLite (DEMO_SECONDS=30 ends by itself)
	$(BIN)/python -m examples.monitors

.PHONY: test
test: .venv/ready check ## Set up all that is needed and test everything, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: check
check: .venv/ready ## Format, lint, types, floors and sizes; under a minute, no server
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n 0 -p no:randomly tests/architecture

.PHONY: bench
bench: .venv/ready ## Measure throughput as ratios to the raw ceiling, on both engines
	$(BIN)/python -m benchmarks

.PHONY: lock
lock: ## Write constraints.txt anew from the newest versions that fit
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[postgres,rrule]" --group dev
	$(BIN)/python -m pip freeze --exclude-editable | grep -v '^pip==' > constraints.txt
	@touch .venv/ready

.PHONY: clean
clean: ## Remove the environment and what tools left behind
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
