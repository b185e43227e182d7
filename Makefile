# Everything runs from .venv, which `make install` makes; nothing is installed elsewhere.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
IN_RANGE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# The first Python that is in range; set PYTHON to choose another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c '$(IN_RANGE)' 2>/dev/null && echo $$p && break; done)
# Without a display the address is printed instead; root, as in containers, has to be allowed.
LAB_FLAGS = $(if $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname)),,--no-browser) \
	$(if $(filter 0,$(shell id -u)),--allow-root)
# Two processes, a file in one of them; what a browser shows is timed, so its tests run alone.
BESIDE := -n 2 --dist loadfile
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with .ci/nbval.cfg --nbval-cell-timeout 300
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install lab test quick notebooks outputs pictures lint audit bench test-lines test-real clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1|\2/' | column -t -s '|'

install: $(VENV)/installed ## set up .venv with all that lab and tests need

$(VENV)/installed: pyproject.toml hatch_build.py package-lock.json constraints/py311.txt constraints/py312.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed, and none is on PATH."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	.ci/install.sh $(BIN)/python lab,test,dev
	@touch $@

lab: install ## open JupyterLab in notebooks/ (prints the address where there is no display)
	cd notebooks && $(CURDIR)/$(BIN)/jupyter lab $(LAB_FLAGS)

test: quick ## all tests, then all notebooks compared with their stored outputs
	$(BIN)/python -m pytest -ra $(BESIDE) -m "slow and not browser"
	$(BIN)/python -m pytest -ra -m browser
	TQDM_DISABLE=1 $(BIN)/python -m pytest -ra $(BESIDE) $(NBVAL) notebooks

quick: install ## the tests that need no browser, no notebook, no second line
	$(BIN)/python -m pytest -ra $(BESIDE) -m "not slow and not browser"

notebooks: install ## run all notebooks and write a gallery that opens offline to build/notebooks
	$(BIN)/python .ci/gallery.py build/notebooks notebooks/*.ipynb

outputs: install ## run all notebooks and store the outputs that nbval compares with
	$(BIN)/python .ci/store_outputs.py notebooks/*.ipynb

pictures: install ## renew the README's pictures from the notebooks' outputs and a JupyterLab
	$(BIN)/python .ci/readme_pictures.py

lint: install ## check style, without changing anything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

audit: ## compare the pinned versions with known vulnerabilities, where that can be reached
	.ci/audit.sh

bench: install ## measure speed and memory as ratios
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

test-lines: ## the tests that have to hold on the second line of esm (Python 3.12)
	.ci/second_line.sh

test-real: install ## compare with what others made with ESM3's weights, where those are
	$(BIN)/python -m pytest -ra -m real tests/test_real_weights.py

clean: ## remove what was built, but not .venv
	rm -rf build dist .pytest_cache .hypothesis .ruff_cache
