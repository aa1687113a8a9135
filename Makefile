# Everything happens in .venv; a machine with Python >= 3.11 with pip, git and make is enough.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-input

PIP_COMPILE := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-emit-trusted-host --no-header --allow-unsafe

.PHONY: help example demo test publishers-test tls-test compose-test torture recovery check reference format lock bench verify-bench clean

help:  ## What there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

.venv/installed: requirements.lock pyproject.toml
	@echo "Installing into .venv (once) ..."
	@rm -rf .venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "foldline needs Python 3.11 or newer; name one with make PYTHON=...")'
	@$(PYTHON) -m venv --without-pip .venv
	@$(INSTALL) --require-hashes --requirement requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

example: .venv/installed  ## The main job: embedded servers, the example log, and what came of it
	@$(BIN)/foldline up --once examples/transitions.jsonl --once examples/workflows.jsonl --once-raw examples/undecodable.jsonl

demo: .venv/installed  ## Embedded servers, a live stream of events, and a board that shows what becomes of them
	@$(BIN)/foldline demo

TESTS ?= tests

test: .venv/installed  ## All tests, on embedded PostgreSQL and Kafka; TESTS= for some of them
	@$(BIN)/pytest $(TESTS)

tls-test: .venv/installed  ## docs/security.md, on servers with certificates; needs a PostgreSQL with TLS, such as Debian's
	@$(BIN)/pytest acceptance/tls

compose-test: .venv/installed  ## docker-compose.yml on this machine's Docker: up, a killed worker, a drained stop, down
	@$(BIN)/python -m acceptance.compose

publishers-test: .venv/installed  ## The programs of docs/publish-java-go-node.md; needs a JDK, Go and Node
	@$(BIN)/pytest acceptance/publishers

SEED ?= 1
SEEDS ?= 1
SECONDS ?= 120

torture: .venv/installed  ## The proof: workers killed, frozen and cut off, then the tables compared; SEED= SEEDS= SECONDS=
	@$(BIN)/python -m torture --seed $(SEED) --seeds $(SEEDS) --seconds $(SECONDS)

recovery: .venv/installed  ## How long projecting pauses when a worker is killed, and when PostgreSQL crashes
	@$(BIN)/python -m torture.recovery

check: .venv/installed  ## Style, types, import contracts, generated files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m foldline.machines.schema --check
	$(BIN)/python -m foldline.events.schemas --check
	$(BIN)/python -m foldline.example --check examples/
	$(BIN)/python -m scripts.reference --check

reference: .venv/installed  ## Write docs/reference from the program
	$(BIN)/python -m scripts.reference

format: .venv/installed  ## Format and mend what can be mended
	$(BIN)/ruff check --fix --quiet || true
	$(BIN)/ruff format --quiet

# pip-compile keeps the versions that it finds in its output: the image gets the ones that the tests ran on.
lock: .venv/installed  ## Resolve requirements.lock anew, and what the image installs of it
	$(INSTALL) pip-tools
	$(PIP_COMPILE) --extra dev --extra embedded --extra otel --output-file requirements.lock pyproject.toml
	cp requirements.lock deployment/requirements.txt
	$(PIP_COMPILE) --extra otel --output-file deployment/requirements.txt pyproject.toml
	cp requirements.lock deployment/requirements-build.txt
	$(PIP_COMPILE) --only-build-deps --build-deps-for wheel --output-file deployment/requirements-build.txt pyproject.toml

verify-bench: .venv/installed  ## `foldline verify` beside one worker, on a log and on one ten times larger
	@$(BIN)/python -m bench.verifying

bench: .venv/installed  ## One worker beside a loop written by hand and beside the limit
	$(BIN)/python -m bench

clean:  ## Remove .venv and what tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
