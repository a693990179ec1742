# The README's words. `make` alone says what there is.
.DEFAULT_GOAL := help
PORT ?= 8080
RUN := .venv/bin/
# Tests that start no server and change nothing outside their own folders: they run first, one for each processor.
# The others mostly wait: for Airflow, for pods. So more of them run at once; those that share a server stay together.
SIDE_BY_SIDE := $(addprefix tests/,build cli config examples fuzz hostile real repository schemas tables upgrade)

help:        ## What there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup:       ## Make .venv with everything in it
	@scripts/bootstrap

demo: setup  ## Run the machine-learning example to its end on this machine
	@$(RUN)dagf demo

up: setup    ## Airflow's UI with the examples, at http://127.0.0.1:8080 (PORT= changes it)
	@$(RUN)dagf up --port $(PORT)

down:        ## Stop what `make up` started
	@if [ -x $(RUN)dagf ]; then $(RUN)dagf down; else echo "Nothing was running."; fi

check: setup ## The problems of all configuration files
	@$(RUN)dagf check

lint: setup  ## Lint, format, types, layer contract
	@$(RUN)ruff check
	@$(RUN)ruff format --check
	@$(RUN)mypy
	@$(RUN)lint-imports

test: lint   ## Lint, types, the layer contract and all tests
	@scripts/browser
	@scripts/node
	@$(RUN)pytest --numprocesses 2 $(SIDE_BY_SIDE)
	@$(RUN)pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder $(addprefix --ignore=,$(SIDE_BY_SIDE))

MINUTES ?= 15
BUNDLE ?= local
soak: setup  ## Random commits against a real DAG processor, for MINUTES=15; BUNDLE=git by a git bundle
	@$(RUN)python tests/soak/soak.py --minutes $(MINUTES) --bundle $(BUNDLE)

docs: setup  ## Write the references in docs/ from the schemas, the shipped templates and the problem codes
	@$(RUN)python scripts/reference.py
	@$(RUN)python scripts/template_reference.py
	@$(RUN)python scripts/problem_reference.py

FIGURES ?=
bench: setup ## Measurements beside the neighbours; FIGURES="folder task" and QUICK=1 choose
	@$(RUN)python -m benchmarks $(if $(QUICK),--quick) $(FIGURES)

MUTANTS ?= 20000
SEED ?= 1
fuzz: setup  ## Mutants of valid configuration files, MUTANTS=20000 of them
	@$(RUN)python tests/fuzz/fuzz.py --count $(MUTANTS) --seed $(SEED)

lock: setup  ## Write requirements.lock anew from setup.cfg
	@$(RUN)uv pip compile --quiet --upgrade setup.cfg --extra airflow --extra cluster --extra dev --universal \
	  --python-version 3.10 --custom-compile-command "make lock" --output-file requirements.lock

clean: down  ## Remove .venv and everything that runs have left
	@rm -rf .venv .dagf .mypy_cache .ruff_cache .pytest_cache

.PHONY: help setup demo up down check lint test soak bench fuzz docs lock clean
