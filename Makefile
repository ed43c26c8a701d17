# Everything runs in .venv, which the first target makes; needs Python 3.11+ with venv, nothing else.
# Only relative paths here: the checkout may lie in a folder with spaces or accents.

PYTHON ?= python3
SCALE ?=
TARGET ?= all
CORES ?= all

BIN := .venv/bin
INSTALLED := .venv/.installed
# Snakemake goes on after a kill: a stale lock does not stop it, half-written outputs are made again.
SNAKEMAKE = PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m snakemake --cores $(CORES) --nolock --rerun-incomplete
PYTEST = $(BIN)/python -m pytest
PARALLEL = --numprocesses auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help all smoke install test test-slow lint format bench constraints clean

# An installed environment is bound to its folder: a copied or moved one is made again.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
	@echo "Variables: SCALE=smoke|laptop|minatar|mujoco|atari  TARGET=all|<an artifact's name>  CORES=n  PYTHON=python3.11"

all: $(INSTALLED)  ## every table and figure (laptop scale unless SCALE says another)
	$(SNAKEMAKE) $(TARGET) $(if $(SCALE),--config scale=$(SCALE))

smoke: $(INSTALLED)  ## every stage on tiny tasks, in minutes
	$(SNAKEMAKE) $(TARGET) --config scale=smoke

install: $(INSTALLED)  ## only make the environment

test: lint  ## lint, types and the quick tests
	$(PYTEST) $(PARALLEL)

test-slow: $(INSTALLED)  ## the tests that take minutes
	$(PYTEST) $(PARALLEL) -m slow

lint: $(INSTALLED)  ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(INSTALLED)  ## let ruff rewrite the code in its style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(INSTALLED)  ## measure speeds
	$(PYTEST) benchmarks

constraints: check-python  ## resolve constraints.txt anew, in a scratch environment
	sh tools/constraints.sh

clean:  ## remove the environment and caches; runs and results stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

