"""The notebooks for home: in step with their source, alone on their way, and nothing in them that complains."""

import nbformat
import pytest

from tools import payload
from tools.build_notebooks import MOST_BYTES, WIDGET_VIEW, complaints
from tools.lesson import NOTEBOOKS, differences, homework
from tools.settings import read_repository

pytestmark = pytest.mark.parametrize("source", homework(), ids=lambda source: source.stem)


def stored(source):
    return nbformat.read(NOTEBOOKS / f"{source.stem}.ipynb", as_version=4)


def test_in_step_with_its_source(source):
    assert differences(source, NOTEBOOKS / f"{source.stem}.ipynb", read_repository()) == []


def test_it_brings_the_package_and_was_run_in_order(source):
    first, *others = [cell for cell in stored(source).cells if cell.cell_type == "code"]
    assert payload.carries(first.source)
    assert [cell.execution_count for cell in (first, *others)] == list(range(1, len(others) + 2))


def test_nothing_complains_and_nothing_lives_only_with_a_kernel(source):
    assert complaints(stored(source)) == []
    text = (NOTEBOOKS / f"{source.stem}.ipynb").read_text(encoding="utf-8")
    assert WIDGET_VIEW not in text
    assert len(text.encode()) < MOST_BYTES
