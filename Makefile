# make demo    set everything up and run the main job on a real network
# make test    set everything up and run every check: format, lint, types, import contracts, tests, documentation
# make setup   the virtual environment and the system parts alone

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test setup check clean

demo: $(VENV)/.run
	$(BIN)/python examples/demo.py --out generated/demo

test: $(VENV)/.dev
	$(MAKE) check

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile

setup: $(VENV)/.dev

# What the package needs to run.
$(VENV)/.run: pyproject.toml scripts/system_parts.sh
	sh scripts/system_parts.sh libngspice0 ngspice
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

# What its checks need beside that.
$(VENV)/.dev: $(VENV)/.run
	sh scripts/system_parts.sh iverilog libngspice0-dev g++ make
	sh scripts/system_parts.sh chromium-headless-shell
	sh scripts/system_parts.sh opensta
	$(BIN)/python scripts/install_group.py dev
	$(BIN)/python scripts/install_group.py alone --no-deps
	$(BIN)/python scripts/install_group.py lockstep || echo "no spicebind: signoff --closed-loop does not run" >&2
	touch $@

clean:
	rm -rf $(VENV) generated/demo generated/demo_data .pytest_cache .mypy_cache .ruff_cache
