"""The retrieval lab in a real browser: looked at, and walked through by keys."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Visit, in_thread
from tests.browser.library import Library, library_make
from tests.browser.looks import look
from tests.integration.deployment.conftest import embeddings

__all__ = ["embeddings"]
QUESTION = "速干手消毒剂开启后的有效期为多少天？"


@pytest.fixture(scope="module")
def library(embeddings: None, tmp_path_factory: pytest.TempPathFactory) -> Library:
    return in_thread(lambda: library_make(PASSWORD, tmp_path_factory.mktemp("library")))


@pytest.fixture
def signed_in(visit: Callable[..., Visit], library: Library) -> Visit:
    window = visit(1280, "zh-CN")
    window.login(library.email)
    return window


def address(library: Library, **asked: object) -> str:
    return f"/collections/{library.collection_id}/lab/?{urlencode(asked)}"


def test_the_lab_is_looked_at_and_walked_through_by_keys(library: Library, signed_in: Visit) -> None:
    a = {"a-candidates": 50, "a-vector_weight": 1, "a-lexical_weight": 1, "a-reranker": "fusion", "a-index": ""}
    b = {"b-candidates": 20, "b-vector_weight": 1, "b-lexical_weight": 0, "b-reranker": "none", "b-index": ""}
    place = address(library, q=QUESTION, compare="on", **a, **b)
    look(signed_in, place, "lab-compared", looks=[(1280, "zh-CN", "light"), (375, "en-US", "dark")])
    page = signed_in.page
    signed_in.go(place)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("j")
    first = page.locator("[data-lab-row] > summary").first
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-lab-row]").first).to_have_attribute("open", "")
    right = page.locator("input[name=chunk]").first
    ticked = right.is_checked()
    page.keyboard.press("x")
    expect(right).to_be_checked(checked=not ticked)
    page.keyboard.press("o")
    page.keyboard.press("o")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
