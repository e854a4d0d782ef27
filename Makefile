# Everything from a fresh checkout: each target sets up what it needs first.
.PHONY: demo test check lint types readme readme-long bench clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The first Python of at least 3.11 that really starts; override with PYTHON=…
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

demo: $(READY)
	$(BIN)/imbench run -m 'strategy=glob(*)' data=womens data.target=one_star,class model=mlp seed=0,1,2
	$(BIN)/imbench publish board.data=womens

test: $(READY)
	$(BIN)/python -m pytest -n 2

check: lint types test readme

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

readme: $(READY)
	$(BIN)/python -m tests.readme

readme-long: $(READY)
	$(BIN)/python -m tests.readme --long

bench: $(READY)
	$(BIN)/python -m tests.benchmarks

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "expected Python 3.11 or newer on PATH, found none; install one or set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
