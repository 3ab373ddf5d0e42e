# Every target makes .venv if it is absent and installs what it needs. Nothing else is asked of you but python3 >= 3.11.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

.PHONY: demo test slow attack lint docs all-installed clean help

help:
	@echo "make demo   fit examples/penguins.csv, sample and score it into demo-output/"
	@echo "make test   the test suite (make slow: the long tests)"
	@echo "make attack mutated files, folders and tables, kills and full disks; SIZE=1 takes minutes"
	@echo "make lint   ruff, pyright and the import contracts"
	@echo "make docs   the documentation, into docs/_build/html"
	@echo "make clean  remove everything that was built; .venv stays"

demo: $(VENV)/.installed-core
	$(BIN)/quasistatic demo --output demo-output --force

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n auto

slow: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m slow

SIZE ?= 1

attack: $(VENV)/.installed-test
	PYTHONPATH=tests $(BIN)/python -m attack.campaign $(SIZE) $(if $(PARTS),--only $(PARTS))

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

docs: $(VENV)/.installed-docs
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean:
	rm -rf docs/_build demo-output build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# What test, lint and docs need, at once: quicker than one after the other.
all-installed: $(BIN)/python pyproject.toml
	$(INSTALL) ".[test,dev,docs]"
	@touch $(VENV)/.installed-test $(VENV)/.installed-dev $(VENV)/.installed-docs

$(VENV)/.installed-core: $(BIN)/python pyproject.toml
	$(INSTALL) "."
	@touch $@

$(VENV)/.installed-%: $(BIN)/python pyproject.toml
	$(INSTALL) ".[$*]"
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Error: $(PYTHON) was not found. Install Python 3.11 or newer, or say: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Error: $$($(PYTHON) --version) is too old; Python 3.11 or newer is needed. Say: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Error: this Python cannot make virtual environments. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
