# Everything from a fresh checkout: each target sets up what it needs first.
.PHONY: demo test check lint types documents documents-long docs bench gpu simulate fairness quality models board trees-and-nets catalogue ablations regret pins versions faults clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What is installed, and what builds it; pip calls the second differently from version to version.
PINNED := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt

# The first Python of at least 3.11 that really starts; override with PYTHON=…
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# One of each kind of treatment; `imbench strategies` lists them all.
EIGHT := none,oversample,undersample,class_weights,focal,importance_weighted,transfer,self_supervised

demo: $(READY)
	$(BIN)/imbench demo

# The everyday behaviour, whole: every test but those marked `long` (over five seconds on an idle core). What is left to
# `make test-long` is the same behaviour at greater length, each with a short witness here: whole sweeps and searches
# killed at many instants, torch's data-parallel command, every strategy with every model, wheels in fresh environments.
test: $(READY)
	$(BIN)/python -m pytest -n 2 -m "not long"

test-long: $(READY)
	$(BIN)/python -m pytest -n 2 -m long

# At most ten minutes on two idle cores.
check: lint types test documents

check-long: check test-long documents-long

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

# The shell blocks and links of the README and of docs/.
documents: $(READY)
	$(BIN)/python -m tests.tools.documents

documents-long: $(READY)
	$(BIN)/python -m tests.tools.documents --long

# The documents as a site, in build/site: pages generated from the code first.
docs: $(READY)
	$(BIN)/python -m tests.tools.reference_pages
	test -x .venv-docs/bin/mkdocs || ($(PYTHON) -m venv .venv-docs && .venv-docs/bin/python -m pip install --quiet -r docs/requirements.txt)
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --clean
	mkdir -p build/site/results
	cp -r CHANGELOG.md CONTRIBUTING.md build/site/
	cp -r results/published results/data results/bench results/simulation.md build/site/results/

bench: $(READY)
	$(BIN)/python -m tests.benchmarks

# Correctness, demo and speed on a GPU, in at most ten minutes; without one it says so.
gpu: $(READY)
	$(BIN)/python -m tests.benchmarks gpu

# Do verdicts keep their promises? 180,000 simulated boards, the old rule beside the new one; a quarter of an hour on a core.
simulate: $(READY)
	$(BIN)/python -m tests.tools.simulate --out results/simulation.md
	$(BIN)/python -m tests.tools.real_tables .simulation/real-tables.jsonl
	$(BIN)/python -m tests.tools.real_tables .simulation/real-tables.jsonl --write results/real-tables.md

# Does more budget change who wins? A sample in minutes; without --small some hours. Resumable.
fairness: $(READY)
	$(BIN)/python -m tests.tools.fairness results/fairness/lines.jsonl --small
	$(BIN)/python -m tests.tools.fairness results/fairness/lines.jsonl --write results/fairness/now.md

# Is `none` as good as logistic regression, and how near to gradient boosting, on sets that no default was chosen by?
quality: $(READY)
	$(BIN)/imbench data get keel
	$(BIN)/python -m tests.tools.quality .quality/lines.jsonl --out results/data/quality.md

# Models with `none` beside logistic regression, gradient boosting and bare LightGBM, on the same sets. Resumable.
models: $(READY)
	$(BIN)/imbench data get keel
	$(BIN)/python -m tests.tools.quality .quality/lines.jsonl --models linear mlp lightgbm --out results/data/models.md

# The published board of networks and boosted trees: every treatment, documented defaults, five splits. Resumable.
FIVE := repeats=5 results=results/trees-and-nets
TREATMENTS := none,class_weights,oversample,undersample,focal,importance_weighted,logit_adjustment,ldam,crt,balanced_sampler,negative_downsample,easy_ensemble,balanced_bagging,self_supervised
BOTH := -m 'strategy=$(TREATMENTS)' model=mlp,lightgbm $(FIVE)
TEN_KEEL := page-blocks0,segment0,vehicle0,yeast3,vowel0,kr-vs-k-three_vs_eleven,car-good,abalone9-18,winequality-red-4,flare-F
trees-and-nets: $(READY)
	$(BIN)/imbench data get keel lending_club cdnow caravan_islr
	$(BIN)/imbench run $(BOTH) data=keel data.name=$(TEN_KEEL)
	$(BIN)/imbench run $(BOTH) data=digits_lt
	$(BIN)/imbench run $(BOTH) data=womens data.target=one_star,class
	$(BIN)/imbench run $(BOTH) data=cdnow,lending_club,caravan_islr
	$(BIN)/imbench run $(BOTH) data=impressions data.target=purchase data.rows=30000 data.prevalence=0.03
	$(BIN)/imbench publish results=results/trees-and-nets board.name=trees-and-nets
	cp -r results/trees-and-nets/published/trees-and-nets results/published/

# The published board of the treatments that the one above leaves out, on networks: ten public sets, documented defaults,
# five splits; about an hour of one core. Reviews have text (`augment`), a second label (`transfer`, `multi_task`) and
# groups (`group_balance`); where a treatment has no meaning it is skipped. Generated impressions have both as well. Resumable.
LESSER := none,adaptive,asymmetric,auc_margin,augment,balanced_softmax,class_decomposition,cost_sensitive,fgm,generate,group_balance,label_smoothing,meta_weight,mixup,multi_task,soft_vote,tau_norm,transfer
LESSER_BOARD := repeats=5 results=results/catalogue model=mlp
catalogue: $(READY)
	$(BIN)/imbench data get keel cdnow
	$(BIN)/imbench run -m 'strategy=$(LESSER)' $(LESSER_BOARD) data=keel data.name=page-blocks0,segment0,yeast3,vehicle0,vowel0,flare-F,car-good
	$(BIN)/imbench run -m 'strategy=$(LESSER)' $(LESSER_BOARD) data=digits_lt
	$(BIN)/imbench run -m 'strategy=$(LESSER)' $(LESSER_BOARD) data=cdnow
	$(BIN)/imbench run -m 'strategy=$(LESSER)' $(LESSER_BOARD) data=womens data.target=one_star 'data.group=Clothing ID' data.group_split=false
	$(BIN)/imbench run -m strategy=none,group_balance,multi_task,transfer $(LESSER_BOARD) data=impressions data.target=purchase data.rows=30000 data.prevalence=0.03
	$(BIN)/imbench publish results=results/catalogue board.name=catalogue
	cp -r results/catalogue/published/catalogue results/published/

# The presets of shops, each without each of its strategies: 60, 48 and 48 networks; half an hour of one core. Resumable.
ablations: $(READY)
	$(BIN)/imbench ablate experiment=marketplace repeats=10 results=results/ablation-marketplace
	$(BIN)/imbench publish results=results/ablation-marketplace board.name=ablation-marketplace \
		board.baseline=self_supervised+negative_downsample+class_weights
	for preset in apparel cross_border; do \
		$(BIN)/imbench ablate experiment=$$preset repeats=10 results=results/ablation-$$preset && \
		$(BIN)/imbench publish results=results/ablation-$$preset board.name=ablation-$$preset \
			board.baseline=group_balance+class_weights || exit 1; \
	done
	cp -r results/ablation-*/published/ablation-* results/published/

# The tuned board: fifteen data sets, every strategy tuned with eight trials on each of five splits. Resumable; some six
# hours of one core, the first ten sets half of them.
KEEL := yeast4,vowel0,ecoli3,abalone9-18,car-good,flare-F,vehicle0,winequality-red-4,page-blocks0,segment0,shuttle-c0-vs-c4,kr-vs-k-three_vs_eleven
ALL := -m experiment=board 'strategy=$(EIGHT)' repeats=5
board: $(READY)
	$(BIN)/imbench data get keel lending_club cdnow
	$(BIN)/imbench tune $(ALL) data=keel data.name=$(KEEL)
	$(BIN)/imbench tune $(ALL) data=lending_club,cdnow
	$(BIN)/imbench tune $(ALL) data=womens data.target=one_star,class
	$(BIN)/imbench run $(ALL) data=keel data.name=$(KEEL) tuned=true
	$(BIN)/imbench run $(ALL) data=lending_club,cdnow tuned=true
	$(BIN)/imbench run $(ALL) data=womens data.target=one_star,class tuned=true
	$(BIN)/imbench publish results=results/board board.name=v2
	cp -r results/board/published/v2 results/published/

# Distance from the best possible model over rows and prevalence, where the truth is known. Resumable.
REGRET := -m experiment=regret 'strategy=$(EIGHT)' repeats=10
regret: $(READY)
	$(BIN)/imbench run $(REGRET) data.prevalence=0.03 data.rows=3000,10000,30000,100000
	$(BIN)/imbench run $(REGRET) data.prevalence=0.01,0.1,0.3 data.rows=30000
	$(BIN)/imbench publish results=results/regret board.name=regret
	cp -r results/regret/published/regret results/published/

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "expected Python 3.11 or newer on PATH, found none; install one or set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PINNED) $(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# Renew the pins: the newest versions that pyproject.toml allows (torch stays), then every check with them.
pins: $(READY)
	$(BIN)/python -m pip install --quiet --upgrade --upgrade-strategy eager $$(grep '^torch==' constraints.txt) \
		--editable '.[dev]' setuptools
	$(BIN)/python -m tests.tools.pins --write
	$(MAKE) check

# The oldest and the newest versions that pyproject.toml allows, each in an environment of its own.
versions: $(READY)
	$(BIN)/python -m tests.tools.pins --oldest > .versions-oldest.txt
	grep '^torch==' constraints.txt > .versions-newest.txt
	for which in oldest newest; do \
		$(PYTHON) -m venv --clear .versions/$$which && \
		.versions/$$which/bin/python -m pip install --quiet --constraint .versions-$$which.txt --editable '.[dev]' && \
		.versions/$$which/bin/python -m pytest -q -m "not long" tests/cli tests/sweep tests/tuning tests/training || exit 1; \
	done

# Kills at random instants, many writers at once, and hostile files, at length; a short form of each is in `make test`.
faults: $(READY)
	$(BIN)/python -m tests.tools.faults

clean:
	rm -rf $(VENV) .venv-docs .versions .versions-*.txt build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
