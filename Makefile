# Needs git, make and a Python >= 3.11. The newest Python that really runs is found by tools/python-newest; to use another
# one, name it: make test PYTHON=python3.12 (its virtual environment is kept apart from the usual one).

VENV ?= .venv$(if $(PYTHON),-$(notdir $(PYTHON)))
PYTEST_ARGS ?= -n auto --dist loadgroup

BIN := $(VENV)/bin
PACKAGE := $(VENV)/.package-installed
DEV := $(VENV)/.dev-installed

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint types layers generate stale check format site rule clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

demo: $(PACKAGE) ## Lint examples/ and show the findings
	@$(BIN)/k8s-stateful-lint check examples || test $$? -eq 1

test: $(DEV) ## Run all tests (options for pytest: PYTEST_ARGS="-k claim")
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(DEV) ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(DEV) ## Mend what "make lint" finds, as far as it can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(DEV) ## Check the types
	$(BIN)/mypy

layers: $(DEV) ## Check that no module knows what stands to its right
	$(BIN)/lint-imports

generate: $(DEV) ## Write the files that are made from other files
	$(BIN)/python -m tools.generate

stale: $(DEV) ## Fail when a generated file is not up to date
	$(BIN)/python -m tools.generate --check

check: lint types layers stale test ## Everything above that can fail

site: $(DEV) ## Build the documentation site into build/site and check it; a warning is an error
	@$(BIN)/python -m pip install -qq --group docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	SITE_BUILT=build/site $(BIN)/python -m pytest tests/test_site.py

rule: $(DEV) ## Start a new rule: make rule NAME=family/rule-name
	@test -n "$(NAME)" || { echo "usage: make rule NAME=family/rule-name" >&2; exit 2; }
	$(BIN)/python -m tools.new_rule "$(NAME)"

clean: ## Remove everything that was made here
	rm -rf .venv .venv-* build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two steps, so that the demo does not wait for the development tools. pip must know --group: 25.1 or newer.
$(PACKAGE): pyproject.toml
	@python="$(PYTHON)"; test -n "$$python" || python=$$(tools/python-newest) || exit 1; \
	echo "making $(VENV) with $$($$python --version)"; \
	"$$python" -m venv --clear "$(VENV)"
	@$(BIN)/python -m pip install -qq --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install -qq --editable .
	@touch $@

$(DEV): $(PACKAGE)
	@echo "installing the development tools"
	@$(BIN)/python -m pip install -qq --group dev
	@touch $@
