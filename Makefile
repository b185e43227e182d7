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
# Their names say that all of them need one.
NO_BROWSER := --ignore-glob=tests/test_browser*
NBVAL := -p nbval.plugin --nbval --nbval-current-env --nbval-sanitize-with .ci/nbval.cfg --nbval-cell-timeout 300
# Jupyter, matplotlib, npm and downloads keep their files there.
HOME_WRITABLE = test -w "$$HOME" || { \
	echo "$$HOME cannot be written to; name a home that can: make $(or $(MAKECMDGOALS),install) HOME=/some/folder"; exit 1; }
# A disk that is full ends each tool in another way.
ROOM = df -Pk . "$${TMPDIR:-/tmp}" | awk 'NR > 1 && $$4 < 200000 { \
	print "Less than 200 MB are free in " $$6 ": make room there."; exit 1 }'
READY = $(HOME_WRITABLE); $(ROOM)
# Where there is no npm, JavaScript is not looked at; CI has to.
NODE_TOOLS := node_modules/.package-lock.json
BIOME := node_modules/.bin/biome
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Containers set it, and each process would translate all tests anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install lab test quick proofs notebooks outputs pictures docs lint format audit bench dist test-wheel test-lines test-real first-run clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1|\2/' | column -t -s '|'

install: $(VENV)/installed ## set up .venv with all that lab and tests need

$(VENV)/installed: pyproject.toml hatch_build.py package-lock.json constraints/py311.txt constraints/py312.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed, and none is on PATH."; exit 1; }
	@$(READY)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
		echo "$(PYTHON) -m venv $(VENV) failed: is the disk full, the folder read-only, or the package python3-venv missing?"; exit 1; }
	.ci/install.sh $(BIN)/python lab,test,dev
	@touch $@

lab: install ## open JupyterLab in notebooks/ (prints the address where there is no display)
	@$(READY)
	cd notebooks && $(CURDIR)/$(BIN)/jupyter lab $(LAB_FLAGS)

test: quick ## quick, the core of the browser tests, and all notebooks against their outputs
	$(BIN)/python -m pytest -ra -m "browser and not slow"
	TQDM_DISABLE=1 $(BIN)/python -m pytest -ra $(BESIDE) $(NBVAL) notebooks

quick: install ## what a change of one room needs: no browser, no notebook, nothing slow
	@$(READY)
	$(BIN)/python -m pytest -ra $(BESIDE) $(NO_BROWSER) -m "not slow and not browser"

proofs: install ## all that test leaves out: slow proofs, then the rest in the browser
	@$(READY)
	$(BIN)/python -m pytest -ra $(BESIDE) $(NO_BROWSER) -m "slow and not browser"
	$(BIN)/python -m pytest -ra -m "browser and slow"

notebooks: install ## run all notebooks and write a gallery that opens offline to build/notebooks
	@$(READY)
	$(BIN)/python .ci/gallery.py build/notebooks notebooks/*.ipynb

outputs: install ## run all notebooks and store the outputs that nbval compares with
	@$(READY)
	$(BIN)/python .ci/store_outputs.py notebooks/*.ipynb

pictures: install ## renew the README's pictures from the notebooks' outputs and a JupyterLab
	@$(READY)
	$(BIN)/python .ci/readme_pictures.py

lint: install $(NODE_TOOLS) ## check style, types and JavaScript, without changing anything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if test -x $(BIOME); then $(BIOME) check; else echo "No npm: JavaScript was NOT checked."; fi

format: install $(NODE_TOOLS) ## write Python and JavaScript in our style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIOME) check --write

$(NODE_TOOLS): package.json package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent && touch $@; else test "$$CI" != true; fi

docs: install ## build the documentation, offline, into build/docs; warnings are errors
	@$(READY)
	@$(BIN)/python -c "import myst_nb" 2>/dev/null || .ci/install.sh $(BIN)/python lab,test,dev,docs
	$(BIN)/python .ci/docs.py build/docs

dist: install ## build the source distribution and the wheel into dist
	@$(READY)
	@said=$$($(BIN)/python -m build --outdir dist . 2>&1) && tail -1 <<< "$$said" || { \
		.ci/explain.sh $(CURDIR) <<< "$$said"; exit 1; }

test-wheel: dist ## install the wheel in empty environments on Python 3.11 to 3.13, and try it
	$(BIN)/python .ci/try_wheel.py dist/*.whl

first-run: ## measure, from a clone, the time to the first colored structure
	.ci/first_run.sh

audit: ## compare the pinned versions with known vulnerabilities, where that can be reached
	.ci/audit.sh

bench: install ## measure speed and memory as ratios
	@$(READY)
	@failed=; for script in $$(grep -l '^if __name__' benchmarks/*.py); do echo "== $$script"; \
		$(BIN)/python $$script || failed="$$failed $$script"; done; \
	test -z "$$failed" || { echo "These failed, or are slower than stored:$$failed"; exit 1; }

test-lines: ## the tests that have to hold on the second line of esm (Python 3.12)
	.ci/second_line.sh

test-real: install ## compare with what others made with ESM3's weights, where those are
	$(BIN)/python -m pytest -ra -m real tests/test_real_weights.py

clean: ## remove what was built, but not .venv
	rm -rf build dist node_modules .pytest_cache .hypothesis .mypy_cache .ruff_cache
