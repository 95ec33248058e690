# The verbs of closephones. `make` alone lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
VENV = .venv/bin
.DEFAULT_GOAL = help
.PHONY: help demo test lint format bench vendor clean

help:
	@echo "make demo    everything on this machine, beside a made-up Close organisation (PORT=8000, FRESH=1 to start over)"
	@echo "make test    every test, on SQLite; on PostgreSQL with DATABASE_URL=postgres://... (ARGS='-k name' for some)"
	@echo "make lint    what a reader should not have to look for: style, format, types"
	@echo "make format  put the format right"
	@echo "make bench   how fast it is, beside what it should be"
	@echo "make vendor  fetch again what lies in static/vendor"
	@echo "make clean   delete what these verbs have made, the demo included"

# The demo begins with an empty environment, and makes the one of its programs itself.
demo: .venv/installed
	@exec env -i PATH="$$PATH" HOME="$$HOME" TERM="$$TERM" LANG="$$LANG" DOTENV= SECRET_KEY=of-no-process-that-serves \
		$(VENV)/python manage.py demo --end-with-parent --port $(PORT) $(if $(filter-out 0,$(FRESH)),--fresh)

test: .venv/installed-for-tests
	@$(browser)
	@CHROMIUM="$$(command -v chromium)" $(VENV)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: .venv/installed-for-tests
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy

format: .venv/installed-for-tests
	@$(VENV)/ruff check --fix .
	@$(VENV)/ruff format .

bench: .venv/installed-for-tests
	@$(browser)
	@$(VENV)/python -m tests.bench $(ARGS)

vendor:
	@python3 static/vendor/vendor.py

clean:
	rm -rf .venv var .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache

# Installed anew only where the list of what is needed has changed.
.venv/installed: requirements.txt
	@$(call install,requirements.txt)

.venv/installed-for-tests: requirements.txt tests/requirements.txt
	@$(call install,tests/requirements.txt)

define browser
	command -v chromium >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing Chromium for the tests in a browser ..."; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium >/dev/null; \
		else \
			echo "The tests in a browser need Chromium. Type: sudo apt-get install chromium"; exit 1; \
		fi; \
	}
endef

define install
	test -n "$(PYTHON)" || { echo "Python 3.11 is missing. Type: apt install python3 python3-venv"; exit 1; }; \
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11. Say which one to use: make PYTHON=/path/to/python3.11"; exit 1; }; \
	if ! $(VENV)/python -m pip --version >/dev/null 2>&1; then \
		echo "Making a virtual environment in .venv ..."; \
		"$(PYTHON)" -m venv --clear .venv >/dev/null \
			|| { echo "It could not be made. Type: apt install python3-venv"; exit 1; }; \
	fi; \
	echo "Installing what $(1) lists ..."; \
	$(VENV)/python -m pip install -qq --disable-pip-version-check -r $(1) \
		|| { echo "Not everything could be installed; pip says above why. Is there a way to the package index?"; exit 1; }; \
	touch $@
endef
