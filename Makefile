# Two commands for a user: `make demo` and `make test`. Everything else is for developers.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BOOTSTRAP := .venv-bootstrap
SPARK := .venv-spark
DATA ?= sandbox
SEED ?= 7
ORDERS ?= 5000
HEADLESS ?=
WORKERS ?= 2

.PHONY: demo test test-thorough spark lint format lock clean env docs

env: $(VENV)/.ready

# The environment is ready only when its last step is done, so an interrupted install is done again.
# Byte code is compiled and dbt's project parsed once here: every later start of every process is 3-5 times faster.
$(VENV)/.ready: requirements-dev.lock requirements-bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11, 3.12 or 3.13 is needed; set PYTHON=python3.x")'
	@test -x $(BOOTSTRAP)/bin/uv || { $(PYTHON) -m venv $(BOOTSTRAP) && $(BOOTSTRAP)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock; }
	@rm -rf $(VENV)
	@$(BOOTSTRAP)/bin/uv venv -q --python $(PYTHON) $(VENV)
	@VIRTUAL_ENV=$(VENV) $(BOOTSTRAP)/bin/uv pip install -q --require-hashes --compile-bytecode -r requirements-dev.lock
	@VIRTUAL_ENV=$(VENV) $(BOOTSTRAP)/bin/uv pip install -q --no-deps --no-build-isolation -e .
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q growth_pipelines
	@$(BIN)/python -c "from growth_pipelines.defs.build import build_defs; build_defs()"
	@touch $@

demo: env
	@$(BIN)/growth demo --seed $(SEED) --orders $(ORDERS) --data $(DATA) $(if $(HEADLESS),--headless)

# Byte code of the tests is kept, so that the next run need not rewrite and compile them in every worker.
test: env
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(WORKERS)

# What `make test` shows at one seed or at a few moments, at all of them. About half as long again.
test-thorough: env
	@$(BIN)/python -m pytest -n $(WORKERS) --thorough

# The servers for the tests on Spark (docs/scaling.md), beside the environment: its clients exclude them. Needs Java.
spark: $(SPARK)/.ready

$(SPARK)/.ready: requirements-spark.lock | env
	@rm -rf $(SPARK)
	@$(BOOTSTRAP)/bin/uv venv -q --python $(PYTHON) $(SPARK)
	@VIRTUAL_ENV=$(SPARK) $(BOOTSTRAP)/bin/uv pip install -q --no-deps --require-hashes -r requirements-spark.lock
	@touch $@

lint: env
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfmt --check -q dbt_project growth_pipelines

format: env
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q . ; $(BIN)/sqlfmt -q dbt_project growth_pipelines

docs: env
	@$(BIN)/growth docs

lock: env
	$(BOOTSTRAP)/bin/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	$(BOOTSTRAP)/bin/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --group dev -o requirements-dev.lock
	echo pyspark | $(BOOTSTRAP)/bin/uv pip compile -q --no-deps --generate-hashes --no-header --python-version 3.11 - -o requirements-spark.lock

# What can be made again; data/home, where decisions, keys and the audit chain are, is not among it.
clean:
	rm -rf $(VENV) $(BOOTSTRAP) $(SPARK) data/demo dbt_project/target
