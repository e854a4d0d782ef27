# Everything from a fresh checkout: each target sets up what it needs first.
.PHONY: demo test check lint types readme readme-long bench gpu simulate fairness quality board regret clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The first Python of at least 3.11 that really starts; override with PYTHON=…
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# One of each kind of treatment; `imbench strategies` lists them all.
EIGHT := none,oversample,undersample,class_weights,focal,importance_weighted,transfer,self_supervised

demo: $(READY)
	$(BIN)/imbench run -m 'strategy=$(EIGHT)' data=womens data.target=one_star,class model=mlp seed=0,1,2
	$(BIN)/imbench publish board.data=womens

# The everyday behaviour, whole: every test but those marked `long` (over five seconds on an idle core). What is left to
# `make test-long` is the same behaviour at greater length, each with a short witness here: whole sweeps and searches
# killed at many instants, torch's data-parallel command, every strategy with every model, wheels in fresh environments.
test: $(READY)
	$(BIN)/python -m pytest -n 2 -m "not long"

test-long: $(READY)
	$(BIN)/python -m pytest -n 2 -m long

# At most ten minutes on two idle cores.
check: lint types test readme

check-long: check test-long readme-long

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

readme: $(READY)
	$(BIN)/python -m tests.tools.readme

readme-long: $(READY)
	$(BIN)/python -m tests.tools.readme --long

bench: $(READY)
	$(BIN)/python -m tests.benchmarks

# Correctness, demo and speed on a GPU, in at most ten minutes; without one it says so.
gpu: $(READY)
	$(BIN)/python -m tests.benchmarks gpu

# Family-wise error and coverage of the boards' statistics, from the variance of your own records.
simulate: $(READY)
	$(BIN)/python -m tests.tools.simulate results

# Does more budget change who wins? A sample in minutes; without --small some hours. Resumable.
fairness: $(READY)
	$(BIN)/python -m tests.tools.fairness .fairness/lines.jsonl --small
	$(BIN)/python -m tests.tools.fairness .fairness/lines.jsonl --small --write results/fairness/now.md

# Is `none` as good as logistic regression, and how near to gradient boosting, on sets that no default was chosen by?
quality: $(READY)
	$(BIN)/imbench data get keel
	$(BIN)/python -m tests.tools.quality .quality/lines.jsonl --out results/data/quality.md

# The published board: fifteen data sets, every strategy tuned with 15 trials, five fresh seeds. Resumable.
KEEL := yeast4,abalone9-18,page-blocks0,winequality-red-4,vowel0,segment0,ecoli3,car-good,kr-vs-k-three_vs_eleven,flare-F,shuttle-c0-vs-c4,vehicle0
ALL := -m experiment=board 'strategy=$(EIGHT)'
board: $(READY)
	$(BIN)/imbench data get keel lending_club cdnow
	$(BIN)/imbench tune $(ALL) data=keel data.name=$(KEEL)
	$(BIN)/imbench tune $(ALL) data=lending_club,cdnow
	$(BIN)/imbench tune $(ALL) data=womens data.target=one_star,class
	$(BIN)/imbench run $(ALL) data=keel data.name=$(KEEL) tuned=true seed=10,11,12,13,14
	$(BIN)/imbench run $(ALL) data=lending_club,cdnow tuned=true seed=10,11,12,13,14
	$(BIN)/imbench run $(ALL) data=womens data.target=one_star,class tuned=true seed=10,11,12,13,14
	$(BIN)/imbench publish results=results/board board.name=v1
	cp -r results/board/published/v1 results/published/

# Distance from the best possible model over rows and prevalence, where the truth is known. Resumable.
REGRET := -m experiment=regret 'strategy=$(EIGHT)' seed=0,1,2,3,4
regret: $(READY)
	$(BIN)/imbench run $(REGRET) data.prevalence=0.03 data.rows=3000,10000,30000,100000,300000
	$(BIN)/imbench run $(REGRET) data.prevalence=0.003,0.01,0.1,0.3 data.rows=30000
	$(BIN)/imbench publish results=results/regret board.name=regret
	cp -r results/regret/published/regret results/published/

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "expected Python 3.11 or newer on PATH, found none; install one or set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
