"""Tests behind a lesson's last cell: they ask the kernel in which nbval ran it, and need no run of their own."""

import ast
from collections.abc import Callable

import pytest


class Asked(pytest.Item):
    """A test of what a lesson has left in its kernel."""

    title = "what the lesson left behind"

    def answer(self, expression: str):
        """Returns what a Python expression is worth in the lesson's kernel: numbers, strings, lists and dicts."""
        kernel = self.parent.kernel
        if kernel is None or not kernel.is_alive():
            pytest.skip("the lesson was not run to its end")
        reply = kernel.kc.execute("", silent=True, user_expressions={"answer": expression}, reply=True, timeout=30)
        answer = reply["content"]["user_expressions"]["answer"]
        assert answer.get("status", "ok") == "ok", f"{expression}: {answer.get('ename')}: {answer.get('evalue')}"
        return ast.literal_eval(answer["data"]["text/plain"])

    def reportinfo(self):
        """Returns what pytest calls this test."""
        return self.path, None, f"{self.path.name}: {self.title}"


def is_cell(item) -> bool:
    """Says whether a test is a cell of a lesson."""
    return item.path.suffix == ".ipynb" and not isinstance(item, Asked)


def behind_lessons(items: list, make: Callable[[object], list]) -> list:
    """Returns the tests with those that `make(last cell)` gives behind the last cell of each lesson."""
    last = {item.parent: place for place, item in enumerate(items) if is_cell(item)}
    found = []
    for place, item in enumerate(items):
        found.append(item)
        if last.get(item.parent) == place:
            found += make(item)
    return found
