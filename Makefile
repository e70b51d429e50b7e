.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

# Each is run with --check: what we publish must be what the code does.
CONTRACTS := tests/contracts/openapi.py

# `make bench NAME`: the second word is no target but the benchmark's name.
BENCHMARK := $(if $(filter bench,$(firstword $(MAKECMDGOALS))),$(word 2,$(MAKECMDGOALS)))
ifneq (,$(BENCHMARK))
.PHONY: $(BENCHMARK)
$(BENCHMARK): ; @:
endif

.PHONY: help run test check bench fmt clean site dev packages static gate servers

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: site ## Run the whole site on this machine; Ctrl-C stops it, data stay in ./var
	@exec $(PYTHON) -m local_site run

test: dev ## Install what the tests need, then run every check and every test
	@$(MAKE) --no-print-directory --jobs=2 gate servers

check: dev static ## The gate before a commit: format, lint, types, contracts, unit tests
	@$(PYTHON) -m pytest -m unit

bench: dev ## Measure: all benchmarks, or one with `make bench NAME`
	@$(PYTHON) -m tests.bench $(BENCHMARK)

fmt: dev ## Format the code and repair what can be repaired
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

clean: ## Remove .venv and caches; the data in ./var stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

site:
	@python3 scripts/bootstrap.py --group site

dev:
	@python3 scripts/bootstrap.py --group dev

packages: dev
	@$(PYTHON) -m local_site packages

# Beside the tests that wait for servers; what it says comes in one piece.
gate:
	@said=$$($(MAKE) --no-print-directory check 2>&1); code=$$?; echo "$$said"; exit $$code

servers: packages
	@$(PYTHON) -m pytest -m "not unit"

static: dev
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports
	@for module in $(subst /,.,$(basename $(CONTRACTS))); do $(PYTHON) -m $$module --check || exit 1; done
