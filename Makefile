PYTHON ?= python3
SYSTEMS := examples/commercial.toml examples/govcloud.toml
PIP := -m pip --disable-pip-version-check --quiet
# checkov pins a boto3 that the emulator of `make e2e` cannot use, hence a virtual environment of its own.
CHECKOV_VERSION := 3.3.30

INSTALLED := .venv/.installed
E2E_INSTALLED := .venv/.installed-e2e
CHECKOV_INSTALLED := .venv-checkov/.installed-$(CHECKOV_VERSION)
TYPES := $(addprefix .types/claimstack/,controls generator runtime templates)

.DEFAULT_GOAL := help
.PHONY: help setup build test check conformance bench e2e ci constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(TYPES) .types/claimstack/__init__.pyi ## the virtual environment; runs again only when pyproject.toml or constraints.txt changed

build: setup ## write out/ for the reference systems
	.venv/bin/claimstack build $(SYSTEMS)

test: setup ## all tests that need no extra server and no one else's judgement
	.venv/bin/pytest -n 2 -m 'not conformance and not e2e'

check: setup ## format, lint, types, import contracts, out/ current
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	MYPYPATH=.types .venv/bin/mypy -p claimstack.controls -p claimstack.generator -p claimstack.runtime
	.venv/bin/lint-imports --no-logo
	.venv/bin/claimstack build --check $(SYSTEMS)

conformance: setup $(CHECKOV_INSTALLED) ## other people's judges: cfn-lint, checkov, OSCAL schemas, compliance-trestle
	.venv/bin/pytest -m conformance

bench: setup ## benchmarks, printed as medians and ratios
	.venv/bin/python tests/bench.py

e2e: setup $(E2E_INSTALLED) ## deploy on a local AWS emulator and call what was deployed
	.venv/bin/pytest -m e2e

ci: check test conformance e2e ## everything that must be green

constraints: ## newest versions that pyproject.toml allows, frozen into constraints.txt
	rm -rf .venv-constraints
	$(PYTHON) -m venv .venv-constraints
	.venv-constraints/bin/python $(PIP) install -e '.[dev,e2e]'
	{ sed '/^[^#]/,$$d' constraints.txt; .venv-constraints/bin/python $(PIP) freeze --all --exclude pip --exclude-editable; } > constraints.txt.new
	mv constraints.txt.new constraints.txt
	rm -rf .venv-constraints

clean: ## remove what make created outside version control
	rm -rf .venv .venv-checkov .venv-constraints .types build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP) install -c constraints.txt -e '.[dev]'
	touch $@

$(E2E_INSTALLED): $(INSTALLED)
	.venv/bin/python $(PIP) install -c constraints.txt -e '.[dev,e2e]'
	touch $@

$(CHECKOV_INSTALLED):
	$(PYTHON) -m venv --clear .venv-checkov
	.venv-checkov/bin/python $(PIP) install checkov==$(CHECKOV_VERSION)
	touch $@

# Type checkers know nothing of setuptools' package-dir: this tree shows them the flat folders under their installed names.
$(TYPES):
	mkdir -p $(@D)
	ln -sfn ../../$(@F) $@

# Makes `claimstack` a package for type checkers: as a namespace, the folder controls/families/ would hide the module families.py.
.types/claimstack/__init__.pyi:
	mkdir -p $(@D)
	touch $@
