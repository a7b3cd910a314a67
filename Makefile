# SPDX-License-Identifier: Apache-2.0
# Needs GNU or BSD make, a POSIX shell and Python 3.10 or newer; everything else goes into .venv.
# All paths are relative, so that a checkout whose path holds spaces works.

.PHONY: help demo quick test release-tests mutations test-wheel test-lowest coverage lint house scan \
	bench docs clean python env-demo env-dev
.DEFAULT_GOAL := help

BIN = .venv/bin

# make PYTHON=/path/to/python chooses another one.
PYTHON ?= $(shell for p in python3 python3.15 python3.14 python3.13 python3.12 python3.11 python3.10 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && echo $$p && break; \
	done)
# For test-lowest, unless PYTHON is given.
OLDEST = $(if $(filter-out file,$(origin PYTHON)),$(PYTHON),$(shell \
	for p in python3.10 python3.11 python3.12 python3.13 python3.14 python3.15 $(PYTHON); do \
	$$p -c '' >/dev/null 2>&1 && echo $$p && break; \
	done))

help: ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile

demo: env-demo ## find, prove and delete inactive keys in an embedded AWS organisation
	@$(BIN)/python -m c7n_inactive_keys_sandbox.demo

quick: env-dev ## in half a minute: all tests that start no Custodian, and the linter
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	HISTORIES=300 $(BIN)/python -m pytest -q -n auto --quick || failed=1; \
	exit $$failed

test: env-dev ## the suite with samples of its long series, and all that `make lint` checks
	@failed=0; \
	$(MAKE) --no-print-directory lint || failed=1; \
	$(BIN)/python -m pytest -n auto --dist loadfile || failed=1; \
	exit $$failed

release-tests: env-dev ## the suite with its long series whole: kills, faults, a year of keys
	@HISTORIES=30000 $(BIN)/python -m pytest -n auto --dist loadfile --whole

mutations: env-dev ## disable each safety rule in turn, and name a test that notices
	@$(BIN)/python tools/mutation_check.py

test-wheel: python ## the suite against the installed wheel, in a checkout without the package
	@"$(PYTHON)" tools/suite.py newest

test-lowest: python ## the same with the oldest Custodian and libraries, on the oldest Python found
	@"$(OLDEST)" tools/suite.py lowest

lint: env-dev ## linter, formatter (check only), type checker, and who imports whom
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy || failed=1; \
	$(BIN)/lint-imports --no-cache || failed=1; \
	exit $$failed

house: env-dev ## the package in numbers: lines, functions, types, imports
	@$(BIN)/python tools/house.py

coverage: env-dev ## the suite with coverage by branches; fails where it reaches less than it has to
	@rm -rf .coverage; failed=0; \
	$(BIN)/coverage run -m pytest -n auto --dist loadfile || failed=1; \
	$(BIN)/coverage combine -q && $(BIN)/python tools/coverage_floor.py || failed=1; \
	exit $$failed

scan: python ## wheel and sdist under a scanner of packages, which must find no risk in them
	@rm -rf build/scan && "$(PYTHON)" -m venv build/scan && \
	build/scan/bin/python -m pip install -qq --disable-pip-version-check build guarddog && \
	build/scan/bin/python -m build -o build/scan/dist . >/dev/null 2>&1 && \
	for file in build/scan/dist/*; do \
	build/scan/bin/guarddog pypi scan "$$file" 2>/dev/null | tee build/scan/said && echo && \
	grep -q "No risks detected" build/scan/said || exit 1; \
	done

bench: env-dev ## measure against Custodian's built-in filter and action; takes a long while
	@$(BIN)/python -m benchmarks

docs: env-dev ## renew what the documentation shows of real output, and build the site
	@$(BIN)/python tools/docs.py && $(BIN)/zensical build --strict -f mkdocs.yml

clean: ## remove the environment and whatever else was made
	@rm -rf .venv .cache .coverage build dist demo-out *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

env-demo: python
	@"$(PYTHON)" tools/environment.py org,sandbox

env-dev: python
	@"$(PYTHON)" tools/environment.py dev

python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	echo "Python 3.10 or newer is needed: make PYTHON=/path/to/python" >&2; exit 1; }
