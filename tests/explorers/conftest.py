"""Chromium, and a saved page of an explorer open in it."""

import re

import pytest

from tests.explorers.support import small_explorer


@pytest.fixture
def open_page(browser, tmp_path):
    """A function that opens an explorer's saved page; anything logged or asked of the network is an error.

    (But for the browser's advice about `getImageData`, which only these tests call often.)
    """
    contexts, complaints = [], []

    def opened(explorer, change=lambda text: text, **context):
        contexts.append(browser.new_context(**{"viewport": {"width": 1000, "height": 900}, **context}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text) if "getImageData" not in message.text else 0)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: complaints.append(r.url) if not re.match("file:|blob:|data:", r.url) else None)
        path = explorer.save_html(tmp_path / f"{len(contexts)}.html")
        path.write_text(change(path.read_text("utf-8")), "utf-8")
        page.goto(path.as_uri())
        page.wait_for_selector(".course-explorer[data-state]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page):
    return open_page(small_explorer())
