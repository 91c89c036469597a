PYTHON ?= python3
READY = .venv/.installed
# Processes that share the cores: a thread that has to wait gives its core to whoever can use it.
export OMP_WAIT_POLICY ?= passive

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## */make \1\t/p' Makefile

demo: $(READY)  ## restore a photograph: notebook, sheet.png and table.txt in out/demo
	mkdir -p out/demo
	.venv/bin/python tools/mended.py papermill notebooks/00_start_here.ipynb out/demo/00_start_here.ipynb -k python3 --cwd . -p output out/demo --no-progress-bar --log-level ERROR
	cat out/demo/table.txt

test: lint  ## everything that CI checks
	.venv/bin/pytest -q -n 2 --ignore=tests/notebooks --ignore=tests/browser --durations=5
	.venv/bin/pytest -q -n 2 --dist worksteal --durations=10 tests/notebooks

test-latest:  ## the library's tests on the newest versions that pyproject.toml allows, in out/latest
	$(PYTHON) -m venv --clear out/latest
	out/latest/bin/pip install -q $$($(PYTHON) tools/torch_index.py) -e '.[notebooks,docs,dev]'
	out/latest/bin/pytest -q -n 2 --ignore=tests/notebooks --ignore=tests/browser --deselect tests/test_environments.py::test_constraints_are_what_is_installed

mutation: $(READY)  ## change losses, au and metrics in hundreds of ways: which do their tests miss?
	.venv/bin/python tools/mutation.py

coverage: $(READY)  ## which lines of mpe_lib no test runs; those of the lessons and of the browser aside
	.venv/bin/coverage erase
	.venv/bin/coverage run .venv/bin/pytest -q -n 2 --ignore=tests/notebooks --ignore=tests/browser
	.venv/bin/coverage combine -q
	.venv/bin/python tools/covered.py

test-browser: $(READY)  ## lessons and playground in a real browser; SCREENS=figures/screens keeps what was seen
	.venv/bin/pytest -q tests/browser $(if $(SCREENS),--screens $(SCREENS))

lint: $(READY)  ## ruff on everything, pyright on mpe_lib
	.venv/bin/ruff check .
	.venv/bin/pyright

lab: $(READY)  ## JupyterLab on the lessons, on this machine only
	.venv/bin/python tools/serve.py lab $(OPTIONS)

app: $(READY)  ## the playground as a page, on this machine only
	.venv/bin/python tools/serve.py app $(OPTIONS)

lessons: $(READY)  ## write the lessons out of notebooks/solutions, and run them all anew
	.venv/bin/python tools/lessons.py write
	.venv/bin/python tools/lessons.py run

assignment: $(READY)  ## the lessons for a class, without solutions and outputs, in out/assignment
	.venv/bin/python tools/lessons.py write out/assignment

grade: $(READY)  ## make grade DIR=submissions: check what a class handed in, into grades.csv
	.venv/bin/python tools/grade.py $(DIR)

docs: $(READY)  ## the web site, in out/site, with every link followed
	.venv/bin/python tools/website.py

figures: demo  ## draw the pictures of the README anew
	cp out/demo/sheet.png figures/astronaut.png
	.venv/bin/python tools/figures.py figures

environments: $(READY)  ## write the conda environments out of pyproject.toml, and constraints.txt out of .venv
	.venv/bin/python tools/environments.py conda
	.venv/bin/python tools/environments.py pins

clean:  ## remove what make has made
	rm -rf .venv mutants .coverage* out/demo out/latest out/site build *.egg-info .*_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install $$(.venv/bin/python tools/torch_index.py) -c constraints.txt -e '.[notebooks,docs,dev]'
	touch $@

.PHONY: help demo test test-latest test-browser mutation coverage lint lab app lessons assignment grade docs figures environments clean
