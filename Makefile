PYTHON ?= python3
SYSTEMS := examples/commercial.toml examples/govcloud.toml
PIP := -m pip --disable-pip-version-check --quiet
# checkov pins a boto3 that the emulator of `make e2e` cannot use, hence a virtual environment of its own.
CHECKOV_VERSION := 3.3.30
# `oscal` brings a database of 162 MB, which nothing else needs.
OSCAL_VERSION := 3.2.2
OSCAL_BINDINGS_VERSION := 0.3.1
# The newest client of the SDK's 1.x line cannot share a virtual environment with the server's 2.x.
MCP1_VERSION := 1.30.0
# The servers that ours is measured against.
BENCH_RIVALS := mangum==0.22.0 fastmcp==4.1.2 awslabs.mcp-lambda-handler==0.1.15
UV_VERSION := 0.13.9

INSTALLED := .venv/.installed
E2E_INSTALLED := .venv/.installed-e2e
CHECKOV_INSTALLED := .venv-checkov/.installed-$(CHECKOV_VERSION)
OSCAL_INSTALLED := .venv-oscal/.installed-$(OSCAL_VERSION)-$(OSCAL_BINDINGS_VERSION)
NODE_INSTALLED := .venv-node/.installed
SITE_INSTALLED := .venv/.installed-site
MCP1_INSTALLED := .venv-mcp1/.installed-$(MCP1_VERSION)
BENCH_INSTALLED := .venv-bench/.installed
TYPES := $(addprefix .types/claimstack/,controls generator runtime templates)

.DEFAULT_GOAL := help
.PHONY: help setup build test test-results check conformance bench e2e image site ci constraints lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) $(TYPES) .types/claimstack/__init__.pyi ## the virtual environment; runs again only when pyproject.toml or constraints.txt changed

build: setup ## write out/ for the reference systems
	.venv/bin/claimstack build $(SYSTEMS)

test: setup ## all tests that need no extra server and no one else's judgement
	.venv/bin/pytest -n 2 --dist worksteal -m 'not conformance and not e2e and not image and not site'

test-results: setup ## run the tests of the runtime and record their outcomes in tests/results.json, on which claims rest
	.venv/bin/python tests/results.py

check: setup ## format, lint, types, import contracts, out/ current
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	MYPYPATH=.types .venv/bin/mypy -p claimstack.controls -p claimstack.generator -p claimstack.runtime
	.venv/bin/lint-imports --no-logo
	.venv/bin/claimstack build --check $(SYSTEMS)
	.venv/bin/claimstack lint
	@if git rev-parse --quiet --verify HEAD~1:out >/dev/null; then .venv/bin/claimstack diff HEAD~1 out --fail-on stale-statement; \
		else echo 'claimstack diff: no commit before this one here that has out/'; fi

conformance: setup $(E2E_INSTALLED) $(CHECKOV_INSTALLED) $(OSCAL_INSTALLED) $(NODE_INSTALLED) $(MCP1_INSTALLED) ## other people's judges: cfn-lint, checkov, OSCAL schemas and readers, the MCP suite, real clients
	.venv/bin/pytest -m conformance

bench: setup $(BENCH_INSTALLED) ## benchmarks, printed as medians and ratios
	.venv/bin/python tests/bench/packages.py
	.venv-bench/bin/python tests/bench/runtime

e2e: setup $(E2E_INSTALLED) ## deploy on a local AWS emulator and call what was deployed
	.venv/bin/pytest -m e2e

image: setup ## the runtime image: built twice without a container engine, digests compared, called in a sandbox
	.venv/bin/pytest -m image tests/image

site: setup $(SITE_INSTALLED) ## the audit site in headless Chromium: search, filters, links, accessibility, print
	.venv/bin/pytest -m site tests/site

ci: check test conformance e2e image site ## everything that must be green

constraints: ## newest versions that pyproject.toml allows, frozen into constraints.txt
	rm -rf .venv-constraints
	$(PYTHON) -m venv .venv-constraints
	.venv-constraints/bin/python $(PIP) install -e '.[dev,e2e,site]'
	{ sed '/^[^#]/,$$d' constraints.txt; .venv-constraints/bin/python $(PIP) freeze --all --exclude pip --exclude-editable; } > constraints.txt.new
	mv constraints.txt.new constraints.txt
	rm -rf .venv-constraints

lock: ## runtime/requirements.lock for the extras of the runtime and the versions of constraints.txt; after `make constraints`
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python $(PIP) install uv==$(UV_VERSION)
	.venv-lock/bin/python tests/image/lock.py
	rm -rf .venv-lock

clean: ## remove what make created outside version control
	rm -rf .venv .venv-bench .venv-checkov .venv-constraints .venv-lock .venv-mcp1 .venv-node .venv-oscal .types build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP) install -c constraints.txt -e '.[dev]'
	touch $@

$(E2E_INSTALLED): $(INSTALLED)
	.venv/bin/python $(PIP) install -c constraints.txt -e '.[dev,e2e]'
	touch $@

# Where Playwright's own Chromium cannot be fetched, that of the distribution does as well.
$(SITE_INSTALLED): $(INSTALLED)
	.venv/bin/python $(PIP) install -c constraints.txt -e '.[dev,site]'
	@.venv/bin/playwright install --with-deps chromium || .venv/bin/playwright install chromium || command -v chromium || \
		{ [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } || \
		{ echo 'make site needs Chromium: run `.venv/bin/playwright install chromium`, or install it (Debian: apt-get install chromium), and run this again' >&2; exit 1; }
	touch $@

$(CHECKOV_INSTALLED):
	$(PYTHON) -m venv --clear .venv-checkov
	.venv-checkov/bin/python $(PIP) install checkov==$(CHECKOV_VERSION)
	touch $@

$(OSCAL_INSTALLED):
	$(PYTHON) -m venv --clear .venv-oscal
	.venv-oscal/bin/python $(PIP) install oscal==$(OSCAL_VERSION) oscal-bindings==$(OSCAL_BINDINGS_VERSION)
	touch $@

# The MCP suite needs Node 22, which comes as a package beside it: any npm can install it.
$(NODE_INSTALLED): tests/conformance/mcp/package.json tests/conformance/mcp/package-lock.json
	@command -v npm >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends npm; } || \
		{ echo 'make conformance needs npm: install it (Debian: apt-get install npm) and run this again' >&2; exit 1; }
	mkdir -p $(@D)
	cp $^ $(@D)/
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

$(MCP1_INSTALLED):
	$(PYTHON) -m venv --clear .venv-mcp1
	.venv-mcp1/bin/python $(PIP) install mcp==$(MCP1_VERSION)
	touch $@

$(BENCH_INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python $(PIP) install -c constraints.txt -e '.[runtime]' $(BENCH_RIVALS)
	touch $@

# Type checkers know nothing of setuptools' package-dir: this tree shows them the flat folders under their installed names.
$(TYPES):
	mkdir -p $(@D)
	ln -sfn ../../$(@F) $@

# Makes `claimstack` a package for type checkers: as a namespace, the folder controls/families/ would hide the module families.py.
.types/claimstack/__init__.pyi:
	mkdir -p $(@D)
	touch $@
