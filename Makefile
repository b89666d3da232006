# Everything from a clean clone with Python 3.11+ and make. ARGS is passed on: make demo ARGS="--approve --exit"
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo dev test bench lint format clean

demo: $(READY)
	@$(BIN)/mlc demo $(ARGS)

dev: $(READY)
	@$(BIN)/mlc dev $(ARGS)

# Bytecode is kept whatever the environment says: the tests start hundreds of processes, and each would compile all anew.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)
	$(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder $(ARGS)

# Hours; with ARGS=--quick minutes. Prints JSON: keep the machine idle meanwhile.
bench: export PYTHONDONTWRITEBYTECODE =
bench: $(READY)
	@$(BIN)/python bench/all.py $(ARGS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry --no-ansi .
	$(BIN)/deptry --no-ansi --exclude venv --ignore DEP002,DEP004 tests tests/*/ tests/dmn/analysis
	$(BIN)/python -m tests.compatibility check

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Made anew when the dependencies change; the constraints pin every version that the tests ran with.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -I -m venv $(VENV)
	$(BIN)/python -I -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
