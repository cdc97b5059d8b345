# The lab's commands. `make` alone shows them. The environment is made in .venv/ on first use.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
BIN := .venv/bin

# The environment again after a change of what it is made from, or when this directory was moved or copied.
ifneq ($(shell cat .venv/.made 2>/dev/null),$(CURDIR))
.PHONY: .venv/.made
endif

.venv/.made: requirements.lock pyproject.toml
	@scripts/bootstrap

.PHONY: help
help:  ## Show these commands.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: system
system:  ## Install the missing Debian packages, where there is apt and the right to.
	@scripts/system-packages

.PHONY: env
env: system .venv/.made  ## Make or renew the environment in .venv/.

.PHONY: demo
demo: env  ## Start the whole lab: broker, bridge, 44 emulated devices and the window. ARGS="--for 60s" passes options on.
	@$(BIN)/iotlab demo $(ARGS)

.PHONY: home-day
home-day: env  ## Play a day of a home in 144 s: six leaks and faults, six alarms, or it fails. ARGS="--seed 42".
	@rm -rf .bench/home-day
	@mkdir -p .bench
	@$(BIN)/iotlab demo --scenario home-day --speed 600 --no-window --exact --data-dir .bench/home-day \
		--report .bench/home-day.json $(ARGS)

.PHONY: test
test: check  ## Check, then run every test. ARGS="-k alarms" passes options on.
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(ARGS)

.PHONY: test-long
test-long: env  ## Run the long forms: a million steps against the table's model, kills, disk errors, attacks, set clocks. Over an hour.
	@IOTLAB_TEST_MODEL_STEPS=1000000 IOTLAB_TEST_TABLE_KILLS=2000 IOTLAB_TEST_EIO=100 IOTLAB_TEST_KILLS=20 \
		IOTLAB_TEST_HOLD_S=60 IOTLAB_TEST_ATTACKS=100 IOTLAB_TEST_SERIES=24 \
		$(BIN)/python -m pytest tests/table/test_model.py tests/faults tests/triggers/host/test_attacks.py \
		tests/journey/test_machine_temperature.py $(ARGS)

.PHONY: check
check: env  ## Check style, format and types.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

.PHONY: format
format: env  ## Put the code into the project's format.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: bench
bench: env  ## Measure the promises' figures beside named references. ARGS="table --quick" chooses.
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: screenshots
screenshots: env  ## Draw every screen and state of the window, dark and light, into screenshots/.
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m iotlab.gui.screenshots screenshots

.PHONY: docs
docs: env  ## Make the generated documentation again.
	@$(BIN)/python -m iotlab.config.reference >docs/settings.md

.PHONY: lock
lock: env  ## Choose the newest allowed packages and write requirements.lock (hashes and versions, no addresses).
	@scripts/lock

.PHONY: clean
clean:  ## Remove the environment and everything that was made.
	rm -rf .venv .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
