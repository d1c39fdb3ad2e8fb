# Everything a person or a machine does with Writ. Each line with ## is shown by `make help`.

PYTHON ?= python3
MINUTES ?= 5
SEED ?= 1
BIN := .venv/bin
# Tests at once: they wait for servers now and then.
PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(min(6, os.cpu_count() + 1))')
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install

.DEFAULT_GOAL := help
.PHONY: help demo run test proofs check fmt bench bench-quick faults fuzz migration lock servers clean
MAKEFLAGS += --no-print-directory
say = @echo ·
# In CI what fails is looked at once more, alone: a busy machine is no fault of a change. What is broken
# fails again; what passes is named above, and to be mended. Elsewhere the first failure is the last word.
second_look = { test "$(CI)" = true && echo "· once more, alone, what failed" \
	&& $(BIN)/pytest -q --last-failed --last-failed-no-failures none -n 0; }

help: ## Show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/.run ## Deliver a campaign of 2,000 actions to the sandbox, and show every step
	@$(BIN)/writ demo

run: .venv/.run ## Start Writ in one process with its sandbox, and keep it up
	@$(BIN)/writ up

test: .venv/.dev servers ## Run the tests, on private servers they start themselves
	$(say) "tests"
	@$(BIN)/pytest -q -m "not slow" -n $(PROCESSES) --dist worksteal || $(second_look)

proofs: .venv/.dev servers ## The slow tests: whole Writs, killed, searched for people, fed the guide
	$(say) "slow proofs"
	@$(BIN)/pytest -q -m slow || $(second_look)

check: .venv/.dev ## All that must pass: style, types, import contracts, deploy files, tests
	$(say) "style (ruff)"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	$(say) "types (mypy)"
	@$(BIN)/mypy --no-error-summary
	$(say) "import contracts (import-linter)"
	@$(BIN)/lint-imports --no-cache > .venv/imports.log || { cat .venv/imports.log; exit 1; }
	$(say) "docker-compose.yml and Dockerfile (check-jsonschema, hadolint)"
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	@$(BIN)/hadolint deploy/Dockerfile
	@$(MAKE) test

fmt: .venv/.dev ## Format the code and mend what can be mended by machine
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

bench: .venv/.dev servers ## Measure speed beside its floors: var/bench/report.json
	@$(BIN)/python -m tests.bench

bench-quick: .venv/.dev servers ## The same, smaller: under two minutes
	@$(BIN)/python -m tests.bench --quick

faults: .venv/.dev servers ## Kill everything at random under load, then count: MINUTES=5 SEED=1
	@$(BIN)/python -m tests.faults --minutes $(MINUTES) --seed $(SEED)

fuzz: .venv/.dev ## Ask the API what its document allows and what it forbids, thousands of times: SEED=1
	@$(BIN)/python -m tests.fuzz --seed $(SEED)

migration: .venv/.dev ## Draft the step for tables you changed: NAME="what changes"
	@deploy/draft-migration "$(NAME)"

lock: .venv/.dev ## Pin requirements/*.in anew; UPGRADE=--upgrade takes newer versions
	@deploy/lock-requirements $(UPGRADE)

servers: ## Install PostgreSQL and RabbitMQ for the tests, where that is possible
	@deploy/install-servers

clean: ## Forget the environment, the caches and everything Writ wrote here
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var writ.egg-info

# One environment, two stamps: who only wants the demo need not wait for the tools.
.venv/.python:
	@PYTHON="$(PYTHON)" deploy/make-venv

.venv/.run: requirements/run.txt pyproject.toml | .venv/.python
	$(say) "installing what Writ runs on"
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	$(say) "installing the tools"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@
