# The verbs of closephones. `make` alone lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
VENV = .venv/bin
.DEFAULT_GOAL = help
.PHONY: help demo test lint format bench lock vendor clean

help:
	@echo "make demo    everything on this machine, beside a made-up Close organisation (PORT=8000, FRESH=1 to start over)"
	@echo "make test    every test, on SQLite; on PostgreSQL with DATABASE_URL=postgres://... (ARGS='-k name' for some)"
	@echo "make lint    what a reader should not have to look for: style, format, types"
	@echo "make format  put the format right"
	@echo "make bench   how fast it is, beside what it should be"
	@echo "make lock    write deploy/requirements*.lock anew, after a change of what they lock"
	@echo "make vendor  fetch again what lies in static/vendor"
	@echo "make clean   delete what these verbs have made, the demo included"

# The demo begins with an empty environment, and makes the one of its programs itself.
demo: .venv/installed
	@exec env -i PATH="$$PATH" HOME="$$HOME" TERM="$$TERM" LANG="$$LANG" DOTENV= SECRET_KEY=of-no-process-that-serves \
		$(VENV)/python manage.py demo --end-with-parent --port $(PORT) $(if $(filter-out 0,$(FRESH)),--fresh)

test: .venv/installed-for-tests
	@$(programs)
	@$(provider)
	@CHROMIUM="$$(command -v chromium)" $(VENV)/python -m pytest -n 2 --dist loadfile --max-worker-restart 2 $(ARGS)

lint: .venv/installed-for-tests
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy

format: .venv/installed-for-tests
	@$(VENV)/ruff check --fix .
	@$(VENV)/ruff format .

bench: .venv/installed-for-tests
	@$(programs)
	@$(VENV)/python -m tests.bench $(ARGS)

lock: .venv/installed-for-tests
	@$(lock) --output-file deploy/requirements.lock requirements.txt
	@$(lock) --output-file deploy/requirements-saml.lock deploy/requirements-saml.txt
	@$(lock) --output-file deploy/requirements-rq.lock deploy/requirements-rq.txt

vendor:
	@python3 static/vendor/vendor.py

clean:
	rm -rf .venv var tests/signin/provider/node_modules .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache

lock = $(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

# Installed anew only where the list of what is needed has changed.
.venv/installed: requirements.txt
	@$(call install,requirements.txt)

.venv/installed-for-tests: requirements.txt tests/requirements.txt deploy/requirements-saml.txt deploy/requirements-rq.txt
	@$(call install,tests/requirements.txt)

# The tests open pages in Chromium and tables in LibreOffice, stand behind a real nginx (which lies where only root looks
# by itself), and sign in at a provider that runs on node.
define programs
	missing=""; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || missing="$$missing nginx-light"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	command -v soffice >/dev/null || missing="$$missing libreoffice-calc-nogui"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing$$missing for the tests ..."; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $$missing >/dev/null; \
		else \
			echo "The tests need more. Type: sudo apt-get install$$missing"; exit 1; \
		fi; \
	fi
endef

# npm writes the first file when it is done.
define provider
	cd tests/signin/provider; \
	if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then \
		echo "Installing the provider that the tests sign in at ..."; \
		npm ci --no-audit --no-fund --loglevel=error >/dev/null \
			|| { echo "It could not be installed; npm says above why. Is there a way to its registry?"; exit 1; }; \
	fi
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
