PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# One worker per core; tests of one xdist_group share a worker, and with it what they build once.
PARALLEL = -n $(or $(WORKERS),auto) --dist loadgroup

.PHONY: demo test test-fast test-processors processor-lowest processor-middle processor-native \
	lint layers types format bench install clean

demo: install
	$(BIN)/salmetrics demo --out demo_output

test: install
	$(BIN)/pytest $(PARALLEL)

test-fast: install
	$(BIN)/pytest $(PARALLEL) -m "not slow" tests

# The tests of numbers as an old, a usual and this processor (x86-64) would run them: other vector
# units sum in other orders, so the last digits differ, and no test may depend on them.
NUMERIC = tests/densities tests/engine tests/evaluation tests/kernels tests/metrics tests/models \
	tests/results tests/salmetrics_models tests/statistics tests/test_against_pysaliency.py \
	tests/test_mit_tuebingen.py
AS_PROCESSOR = $(BIN)/pytest $(PARALLEL) $(SELECT) $(NUMERIC)

test-processors: processor-lowest processor-middle processor-native

processor-lowest: export ATEN_CPU_CAPABILITY = default
processor-lowest: export NPY_DISABLE_CPU_FEATURES = X86_V3 X86_V4 AVX512_ICL AVX512_SPR
processor-lowest: export NUMBA_CPU_FEATURES =
processor-lowest: export NUMBA_CPU_NAME = generic
processor-lowest: export ONEDNN_MAX_CPU_ISA = SSE41
processor-lowest: export OPENBLAS_CORETYPE = Nehalem
processor-lowest: export OMP_NUM_THREADS = 1

processor-middle: export ATEN_CPU_CAPABILITY = avx2
processor-middle: export NPY_DISABLE_CPU_FEATURES = X86_V4 AVX512_ICL AVX512_SPR
processor-middle: export NUMBA_CPU_FEATURES =
processor-middle: export NUMBA_CPU_NAME = x86-64-v3
processor-middle: export ONEDNN_MAX_CPU_ISA = AVX2
processor-middle: export OPENBLAS_CORETYPE = Haswell
processor-middle: export OMP_NUM_THREADS = 1

processor-native: export OMP_NUM_THREADS = 2
# Threads of two workers on two cores must not wait for each other in a loop.
processor-native: export OMP_WAIT_POLICY = PASSIVE

processor-%: export NUMBA_CACHE_DIR = $(abspath $(VENV))/kernels-$*
processor-lowest processor-middle processor-native: processor-%: install
	$(AS_PROCESSOR)

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	git ls-files | xargs $(BIN)/codespell
	git ls-files '*.md' | xargs $(BIN)/pymarkdown scan
	git ls-files '*.toml' | xargs $(BIN)/check-toml

layers: install
	$(BIN)/lint-imports --no-cache --no-logo

types: install
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: install
	$(BIN)/python benchmarks/metrics.py

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e ".[test]"
	touch $@

clean:
	rm -rf .venv demo_output build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
