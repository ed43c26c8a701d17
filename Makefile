# Everything runs in .venv, which the first target makes; that takes Python 3.11+ with venv and
# nothing else. Only relative paths here: the checkout may lie in a folder with spaces or accents.

PYTHON ?= python3
SCALE ?=
CORES ?= all

BIN := .venv/bin
INSTALLED := .venv/.installed
SCRATCH := .venv/.scratch
EXTRAS := test,bench
SNAKEMAKE = $(BIN)/python -m snakemake --cores $(CORES)
PYTEST = $(BIN)/python -m pytest
# A worker that dies ends the run, which names its test; it is not started again to die once more.
PARALLEL = --numprocesses auto --maxprocesses 4 --dist loadfile --max-worker-restart 0 \
	-p tests.workers

export PIP_DISABLE_PIP_VERSION_CHECK = 1
.DEFAULT_GOAL := help
.PHONY: help all smoke install test test-slow test-faults test-cluster lint format bench
.PHONY: constraints clean check-python

# An environment is bound to its folder: a copied or moved one would run the other folder's code.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1: \2/p' Makefile | while IFS=: read -r target text; do \
		printf 'make %-12s%s\n' "$$target" "$$text"; done
	@echo "Variables: SCALE=smoke|laptop|breakout|study|bench_searches,"
	@echo "  CORES=number, PYTHON=interpreter"

all: $(INSTALLED)  ## every table and figure, at study scale unless SCALE names another
	$(SNAKEMAKE) $(if $(SCALE),--config scale=$(SCALE))

smoke: $(INSTALLED)  ## the same on tiny tasks: every stage in two minutes
	$(SNAKEMAKE) --config scale=smoke

install: $(INSTALLED)  ## only make the environment, .venv

test: lint  ## lint, types and the quick tests
	$(PYTEST) $(PARALLEL)

test-slow: $(INSTALLED)  ## the tests that take minutes
	$(PYTEST) $(PARALLEL) -m slow

test-faults: $(INSTALLED)  ## kills, full disks, broken files: the guarantees, for minutes
	$(PYTEST) $(PARALLEL) --dist worksteal -m "faults and not slow"

test-cluster: $(INSTALLED)  ## smoke on a SLURM cluster of this machine; installs SLURM, as root
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[$(EXTRAS),slurm]"
	tests/cluster/one_node.sh $(PYTEST) tests/workflow/test_slurm.py
	tests/cluster/smoke.sh

lint: $(INSTALLED)  ## ruff and mypy
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy

format: $(INSTALLED)  ## let ruff rewrite the code in its style
	$(BIN)/python -m ruff check --fix
	$(BIN)/python -m ruff format

bench: $(INSTALLED)  ## measure speeds, for 15 minutes on a quiet machine, and write docs/speed.md
	mkdir -p .benchmarks
	$(PYTEST) benchmarks --benchmark-json=.benchmarks/speed.json
	$(BIN)/python -m benchmarks.speed_table .benchmarks/speed.json

constraints: check-python  ## resolve constraints.txt anew (PYTHON=python3.11)
	rm -rf $(SCRATCH)
	"$(PYTHON)" -m venv $(SCRATCH)
	$(SCRATCH)/bin/python -m pip install --editable ".[$(EXTRAS),slurm]"
	{ echo "# Every package of an environment with all extras, on Python 3.11 and Linux with"; \
	  echo "# PyTorch's CPU build; another build brings further packages. Regenerate with:"; \
	  echo "# make constraints PYTHON=python3.11"; \
	  $(SCRATCH)/bin/python -m pip freeze --all --exclude-editable --exclude pip | sed 's/+cpu$$//'; \
	} > $(SCRATCH)/constraints.txt
	mv $(SCRATCH)/constraints.txt constraints.txt
	rm -rf $(SCRATCH)

clean:  ## remove the environment and caches; runs and results stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

check-python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "a2d needs Python 3.11 or newer, and '$(PYTHON)' is not; name one:" \
			"make PYTHON=python3.11 ..." >&2; \
		exit 1; }

$(INSTALLED): pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory check-python
	@if [ -f $@ ] && [ "$$(cat $@)" != "$$(pwd -P)" ] || \
			! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		rm -rf .venv; \
		"$(PYTHON)" -m venv .venv || { \
			rm -rf .venv; \
			echo "'$(PYTHON)' has no venv; on Debian or Ubuntu: apt install python3-venv" >&2; \
			exit 1; }; fi
	@echo "Installing into .venv; the first time takes some minutes."
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[$(EXTRAS)]"
	@pwd -P > $@
