# The commands of the README. `make` without a target lists them.
.DEFAULT_GOAL := help
PORT ?= 8080
RUN := .venv/bin/
# These tests start no server and change nothing outside their own folders. They run first, one process per CPU.
# The other tests mostly wait for Airflow and for pods, so more processes run. Tests that share a server stay together.
SIDE_BY_SIDE := $(addprefix tests/,alerts build cli config edits examples explain fixes fuzz hostile overview plan real repository scaffold schemas tables testing upgrade)

help:        ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup:       ## Create .venv with all dependencies
	@scripts/bootstrap

demo: setup  ## Run the machine-learning example on this machine
	@$(RUN)dagf demo

up: setup    ## Start Airflow's UI with the examples at http://127.0.0.1:8080 (PORT=8081 for another port)
	@$(RUN)dagf up --port $(PORT)

down:        ## Stop what `make up` started
	@if [ -x $(RUN)dagf ]; then $(RUN)dagf down; else echo "Nothing was running."; fi

check: setup ## Check the configuration files in configs/
	@$(RUN)dagf check

lint: setup  ## Check code style, format, types and import contracts
	@$(RUN)ruff check
	@$(RUN)ruff format --check
	@$(RUN)mypy
	@$(RUN)lint-imports

test: lint   ## Run lint and all tests
	@scripts/browser
	@scripts/node
	@$(RUN)pytest --numprocesses 2 $(SIDE_BY_SIDE)
	@$(RUN)pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder $(addprefix --ignore=,$(SIDE_BY_SIDE))

MINUTES ?= 15
BUNDLE ?= local
soak: setup  ## Test a real DAG processor with random commits for MINUTES=15 (BUNDLE=git uses a git bundle)
	@$(RUN)python tests/soak/soak.py --minutes $(MINUTES) --bundle $(BUNDLE)

docs: setup  ## Generate the references in docs/ from the schemas, templates, problem codes and names of `{{ }}`
	@$(RUN)python scripts/reference.py
	@$(RUN)python scripts/template_reference.py
	@$(RUN)python scripts/problem_reference.py
	@$(RUN)python scripts/on_call_reference.py
	@$(RUN)python scripts/run_time_reference.py

FIGURES ?=
bench: setup ## Measure the speed and compare with similar tools (FIGURES="folder task": only these; QUICK=1: shorter)
	@$(RUN)python -m benchmarks $(if $(QUICK),--quick) $(FIGURES)

MUTANTS ?= 20000
SEED ?= 1
fuzz: setup  ## Test the compiler with MUTANTS=20000 randomly changed configuration files
	@$(RUN)python tests/fuzz/fuzz.py --count $(MUTANTS) --seed $(SEED)

lock: setup  ## Update requirements.lock from setup.cfg
	@$(RUN)uv pip compile --quiet --upgrade setup.cfg --extra airflow --extra alerts --extra cluster --extra dev --universal \
	  --python-version 3.10 --custom-compile-command "make lock" --output-file requirements.lock

clean: down  ## Remove .venv, caches and the data of local runs
	@rm -rf .venv .dagf .mypy_cache .ruff_cache .pytest_cache

.PHONY: help setup demo up down check lint test soak bench fuzz docs lock clean
