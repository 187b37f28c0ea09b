# The course's commands. `make help` lists them.
#
#   make lab PYTHON=python3.12      use another Python (3.11, 3.12 or 3.13)
#   make lab LAB_ARGS=--no-browser  more arguments for JupyterLab
#   make test TESTS=tests/layers    some of the tests

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" tools/check_python.py --quiet 2>/dev/null && echo "$$p" && exit; done; echo python3)
# The Python of the environment with Colab's versions: Colab's own, where there is one.
COLAB_PYTHON ?= $(shell for p in python3.13 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13.*/bin/python3; do \
	"$$p" tools/check_python.py --quiet 2>/dev/null && echo "$$p" && exit; done; echo $(PYTHON))
LAB_ARGS ?=
TESTS ?= tests
# One more than the cores of a small machine: while one waits for a browser or a kernel, two work.
WORKERS ?= 3

# Programs are started as modules of the environment's Python: that works in a folder with spaces in its name, too.
BIN := .venv/bin
COLAB_BIN := .venv-colab/bin
JAX_BIN := .venv-jax/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
TOGETHER = "$(BIN)/python" -m pytest $(TESTS) -n $(WORKERS) --dist loadgroup --no-loadscope-reorder --durations=20
LAB_STAMP := .venv/.installed-lab
TEST_STAMP := .venv/.installed-test
COLAB_STAMP := .venv-colab/.installed
JAX_STAMP := .venv-jax/.installed

.DEFAULT_GOAL := help
.PHONY: help lab test rehearse lint notebooks payload check student selfstudy teacher assignment site publish lock clean

help:  ## list these commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

lab: $(LAB_STAMP)  ## install what is missing and open the lessons, a working copy in work/, in JupyterLab
	"$(BIN)/python" -m tools.lab $(LAB_ARGS)

test: lint  ## install what is missing, test the package and run every lesson
	$(TOGETHER) -m "not timing and not rehearsal"
	@echo "What measures time, now that nothing else runs:"
	"$(BIN)/python" -m pytest $(TESTS) -m "timing and not rehearsal" || [ $$? -eq 5 ]  # 5: TESTS has none of them

rehearse: $(TEST_STAMP) $(COLAB_STAMP) $(JAX_STAMP)  ## run the lessons again in JupyterLab, in Colab's versions, by nbgrader, the package on JAX
	$(TOGETHER) -m "rehearsal and not timing"
	@echo "What measures time, now that nothing else runs:"
	"$(BIN)/python" -m pytest $(TESTS) -m "timing and rehearsal" || [ $$? -eq 5 ]

lint: $(TEST_STAMP)  ## check style, types and who imports whom
	"$(BIN)/python" -m ruff check .
	"$(BIN)/python" -m ruff format --check .
	"$(BIN)/python" -m mypy
	"$(BIN)/python" -c "from importlinter.cli import lint_imports_command as lint; lint()" --no-logo

notebooks: $(TEST_STAMP)  ## build and execute all lessons from notebooks/source, list them in the README
	"$(BIN)/python" -m tools.build_notebooks
	"$(BIN)/python" -m tools.lessons_table

check: $(TEST_STAMP)  ## say whether the stored lessons are in step with notebooks/source
	"$(BIN)/python" -m tools.build_notebooks --check

payload: $(TEST_STAMP)  ## renew the copy of course_utils (and text) in the stored lessons, without running them
	"$(BIN)/python" -m tools.build_notebooks --payload

student: $(TEST_STAMP)  ## make the edition for a class in build/student: no outputs, no solutions
	"$(BIN)/python" -m tools.editions student

selfstudy: $(TEST_STAMP)  ## copy the stored lessons, solutions folded, to build/selfstudy
	"$(BIN)/python" -m tools.editions selfstudy

teacher: $(TEST_STAMP)  ## make the teacher's edition in build/teacher: notes for each section, solutions open
	"$(BIN)/python" -m tools.editions teacher

assignment: $(TEST_STAMP)  ## make the exercises in build/assignment, a course folder for nbgrader
	"$(BIN)/python" -m tools.editions assignment

site: $(TEST_STAMP)  ## make the course's pages in build/site/html, with live explorers
	"$(BIN)/python" -m tools.site

publish: $(TEST_STAMP)  ## with REPOSITORY=owner/name: write the badges that open the lessons in Colab
	"$(BIN)/python" -m tools.publish "$(REPOSITORY)"

lock: $(TEST_STAMP)  ## choose the exact versions in constraints.txt anew
	"$(BIN)/python" $(PIP_INSTALL) uv
	"$(BIN)/python" -m tools.lock

clean:  ## remove the environments and everything built
	rm -rf .venv .venv-colab .venv-jax dist build .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find course_utils tools tests notebooks -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/pyvenv.cfg:
	@"$(PYTHON)" tools/check_python.py
	"$(PYTHON)" -m venv .venv

$(LAB_STAMP): pyproject.toml constraints.txt | .venv/pyvenv.cfg
	@echo "Installing the course and JupyterLab: a few minutes, once."
	"$(BIN)/python" $(PIP_INSTALL) --constraint constraints.txt --editable ".[lab]"
	@touch $@

$(TEST_STAMP): pyproject.toml constraints.txt | .venv/pyvenv.cfg
	@echo "Installing the course and what tests it: a few minutes, once."
	"$(BIN)/python" $(PIP_INSTALL) --constraint constraints.txt --editable ".[lab,site,test]"
	@touch $@ $(LAB_STAMP)

.venv-colab/pyvenv.cfg:
	@"$(COLAB_PYTHON)" tools/check_python.py
	"$(COLAB_PYTHON)" -m venv .venv-colab

$(COLAB_STAMP): tests/environments/colab.txt tests/environments/colab-constraints.txt | .venv-colab/pyvenv.cfg
	@echo "Installing Colab's versions beside it: a few minutes, once."
	"$(COLAB_BIN)/python" $(PIP_INSTALL) --requirement tests/environments/colab.txt \
		--constraint tests/environments/colab-constraints.txt
	@touch $@

.venv-jax/pyvenv.cfg:
	@"$(PYTHON)" tools/check_python.py
	"$(PYTHON)" -m venv .venv-jax

$(JAX_STAMP): tests/environments/jax.txt tests/environments/jax-constraints.txt | .venv-jax/pyvenv.cfg
	@echo "Installing the course's other backend, JAX, beside it: a minute, once."
	"$(JAX_BIN)/python" $(PIP_INSTALL) --requirement tests/environments/jax.txt \
		--constraint tests/environments/jax-constraints.txt
	@touch $@
