# Thin aliases of `kit` and of the checks. `make help` lists them; ARGS="epochs=2 lr=3e-4" is passed on.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
KIT    := $(BIN)/kit
VERBS  := download check validate predict run report blend compare export rehearse leaderboard recipes tune \
          kernel kernel-inputs

.DEFAULT_GOAL := help
.PHONY: help setup test test-all lint types check ledger bench bench-gpu docs
.SECONDARY:

help:
	@echo 'make digits-submit              the whole way, no account needed: data, folds, training, upload, score'
	@echo 'make cifar10-kernel             the same run as a Kaggle kernel: proven here, pushed, followed, brought back'
	@echo 'make digits-rehearse            a hidden test set of the training images: what is a score worth?'
	@echo 'make ledger                     every submission, CV against leaderboard'
	@echo 'make test                       the tests (test-all: the slow, shared and gpu ones too)'
	@echo 'make <competition>-<verb>       $(VERBS) submit'
	@echo '                                such as: make cifar10-submit ARGS="epochs=2 lr=3e-4"'
	@echo '                                submit is run, then submit'
	@echo 'make lint | types | check       ruff | mypy | both and the tests'
	@echo 'make bench                      the speed claims against their peers: benchmarks/RESULTS.md, some minutes'
	@echo 'make bench-gpu                  the same on a GPU, beside its peers'
	@echo 'make docs                       the documentation as a web site: site/index.html'
	@echo 'make setup                      only the set-up, which every target does when needed'
	@if [ -x $(KIT) ]; then echo; $(KIT) list; fi

# The stamp is newer than what it was made from: the next call starts at once.
STAMP := $(VENV)/.ready
setup: $(STAMP)
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, and $(PYTHON) is older: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV): some minutes the first time"
	@# torch and torchvision in one call, from one index: a pair that was not built together breaks timm
	$(BIN)/python -m pip install --disable-pip-version-check torch torchvision
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[dev]'
	@touch $@

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

test-all: $(STAMP)
	$(BIN)/python -m pytest -m "" $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

check: lint types test

# The settings that kit makes for itself; here the peers have them too.
bench: $(STAMP)
	GOMP_SPINCOUNT=5000 THP_MEM_ALLOC_ENABLE=1 $(BIN)/python -m benchmarks $(ARGS)

# GPU="--cifar10 DIR --peer airbench94_muon.py": what cifar-10's rows need; without it, photographs alone.
bench-gpu: $(STAMP)
	$(BIN)/python -m benchmarks.gpu $(GPU)

DOCS_STAMP := $(VENV)/.docs-ready
$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[docs]'
	@touch $@

docs: $(DOCS_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Of ARGS, each of the two verbs gets what it takes; the shell keeps quoted words whole.
%-submit: $(STAMP)
	@set -- $(ARGS); value=; for word; do shift; case "$$value$$word" in \
	  --message) value='of ' ;; 'of '*) value= ;; --again | --message=*) ;; *) set -- "$$@" "$$word" ;; \
	  esac; done; set -x; $(KIT) $* run "$$@"
	@set -- $(filter-out --fresh --accept-code,$(ARGS)); set -x; $(KIT) $* submit "$$@"

ledger: $(STAMP)
	$(KIT) ledger $(ARGS)

define verb_rule
%-$(1): $$(STAMP)
	$$(KIT) $$* $(1) $$(ARGS)
endef
$(foreach verb,$(VERBS),$(eval $(call verb_rule,$(verb))))
