# `make help` lists the targets. Each of them makes .venv ready first (.ci/setup); that takes
# about a minute the first time and a few milliseconds afterwards.

PY := .venv/bin/python
ROOMS := holdfast workflows activities workers client temporal
CODE := $(ROOMS) deploy tests examples benchmarks
ARGS ?=

# One more process than two cores have: many tests wait for timers, and another one works then.
PYTEST := $(PY) -m pytest -n $(or $(WORKERS),3) --dist worksteal
# pytest keeps what it compiled of the tests, so that each process after the first starts in half the time.
test test-slow test-all: export PYTHONDONTWRITEBYTECODE :=

# pyright comes whole from the lock; without this it asks PyPI for a newer version at each run.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-all prometheus weaviate sweep chaos record lint mypy pyright format agentdojo bench dev clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup:
	@sh .ci/setup

demo: setup ## see an agent work, lose its worker, and finish (ARGS="--data your.csv")
	@$(PY) -m examples.analyst.demo $(ARGS)

test: setup ## run the tests on real parts, without the slow ones (ARGS="-k name")
	@sh .ci/weaviate --if-possible
	@sh .ci/prometheus --if-possible
	@sh .ci/kustomize --if-possible
	@$(PYTEST) -m "not slow" $(ARGS)

test-slow: setup ## run the slow tests: killed processes, long sessions, random operations
	@sh .ci/weaviate --if-possible
	@sh .ci/prometheus --if-possible
	@$(PYTEST) -m slow $(ARGS)

test-all: setup ## run both kinds of tests in one run, which is faster than one after the other
	@sh .ci/weaviate --if-possible
	@sh .ci/prometheus --if-possible
	@sh .ci/kustomize --if-possible
	@$(PYTEST) $(ARGS)

prometheus: ## fetch Prometheus and Alertmanager from Debian's packages, once, into a cache; for tests
	@sh .ci/prometheus

weaviate: ## build the Weaviate server that tests use, once, into a cache; needs Go and about 4 minutes
	@sh .ci/weaviate

sweep: setup ## kill a worker at every event of a run; "make test-slow" takes every third
	@SWEEP=full $(PY) -m pytest tests/kills/test_sweep.py $(ARGS)

chaos: setup ## kill and break everything while runs are under way (ARGS="kills --runs 1000"); see report/chaos.jsonl
	@$(PY) -m tests.chaos $(ARGS)

record: setup ## record histories of the session again (ARGS="name …" for some); see docs/histories.md
	@$(PY) -m tests.workflows.histories.record $(ARGS)

lint: setup ## check formatting, style, types, the rooms and the lengths; change nothing
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports
	@$(PY) tests/house/lengths.py
	@$(MAKE) --no-print-directory --jobs 2 --output-sync mypy pyright

mypy: setup
	@$(PY) -m mypy $(CODE)

pyright: setup
	@$(PY) -m pyright

format: setup ## format the code, fix what can be fixed, rewrite the table of docs/errors.md
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .
	@$(PY) -m tests.house.error_table

agentdojo: setup ## play AgentDojo's 949 attacks, obeyed by the model, with permissions and without; see benchmarks/SECURITY.md
	@$(PY) -m benchmarks.agentdojo $(ARGS)

bench: setup ## measure against the smallest workflow that could do the work (ARGS="--quick")
	@$(PY) -m benchmarks $(ARGS)
	@test -n "$(ARGS)" || $(PY) -m benchmarks.memories

dev: setup ## serve the analyst with an embedded Temporal server and its UI (needs OPENAI_API_KEY or ANTHROPIC_API_KEY)
	@.venv/bin/holdfast dev examples.analyst.app:app $(ARGS)

clean: ## remove the environment, caches and what the embedded server stored
	rm -rf .venv .holdfast report dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
