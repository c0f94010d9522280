"""The retrieval lab in a real browser: looked at, walked by keys, and from a question to a measured collection."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, in_thread
from tests.browser.library import Library
from tests.browser.looks import look

QUESTION = "速干手消毒剂开启后的有效期为多少天？"
MOST_STEPS = 80
# Whether whoever looks at the screen sees where the focus is: a ring, in the window, with nothing over it.
SEEN = """() => {
  const here = document.activeElement;
  if (!here || here === document.body) return "nothing has the focus";
  const style = getComputedStyle(here), box = here.getBoundingClientRect(), name = here.outerHTML.slice(0, 120);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 1) return "no ring: " + name;
  if (box.width < 1 || box.height < 1) return "no size: " + name;
  if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) return "outside: " + name;
  const within = (value, most) => Math.min(Math.max(value, 1), most - 1);
  const x = within(box.left + Math.min(box.width / 2, 20), innerWidth);
  const over = document.elementFromPoint(x, within(box.top + box.height / 2, innerHeight));
  const bare = !over || here.contains(over) || over.contains(here);
  return bare ? "" : "covered: " + name + " by " + over.outerHTML.slice(0, 80);
}"""


@pytest.fixture
def signed_in(visit: Callable[..., Visit], library: Library) -> Visit:
    window = visit(1280, "zh-CN")
    window.enter(library.email)
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


def tab_to(page: Any, selector: str, *, back: bool = False) -> None:
    """Press Tab until what matches has the focus; on the way the focus is never lost from sight."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        assert (lost := page.evaluate(SEEN)) == "", lost
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{selector} is not reached")


def run_what_was_asked_for(library: Library) -> None:
    """What a worker would do with the evaluation that was started."""
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.models import StageRun
    from liaoyuan.pipeline.services import stage_run_execute

    with tenant_context(library.organization.id):
        run = StageRun.objects.get(stage="evaluate")
    assert stage_run_execute(run_id=run.id, worker="test") == "succeeded"


def compare(page: Any) -> None:
    """Two settings side by side: the second finds by meaning alone."""
    # A key does nothing before the page's scripts are there.
    page.wait_for_load_state()
    page.keyboard.press("o")
    tab_to(page, "input[name=compare]")
    page.keyboard.press("Space")
    tab_to(page, "[name='b-lexical_weight']")
    page.keyboard.press("Control+a")
    page.keyboard.type("0")
    page.keyboard.press("Enter")
    expect(page.locator(".lab-side")).to_have_count(2)


def keep(page: Any) -> None:
    """Tick the passage that is right and keep the question with it."""
    # The keys are there once the page's scripts ran.
    page.wait_for_load_state("load")
    page.keyboard.press("j")
    assert page.evaluate(SEEN) == ""
    right = page.locator("input[name=chunk]").first
    if not right.is_checked():
        page.keyboard.press("x")
    expect(right).to_be_checked()
    tab_to(page, ".lab-keep textarea")
    page.keyboard.type("30 天")
    tab_to(page, ".lab-keep button")
    page.keyboard.press("Enter")
    expect(page.get_by_text("已存为测试题")).to_be_visible()


def test_a_question_is_asked_compared_kept_and_measured_without_a_mouse(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    signed_in.go(f"/collections/{library.collection_id}/")
    tab_to(page, "a[href$='/lab/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/lab/")
    # One may type at once.
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator(".lab-side")).to_have_count(1)
    compare(page)
    keep(page)
    # The set that it lies in is measured, and the result is opened.
    tab_to(page, "a[href$='/evaluation/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/evaluation/")
    tab_to(page, ".eval-row-actions button")
    page.keyboard.press("Enter")
    expect(page.locator(".importing")).to_be_visible()
    in_thread(lambda: run_what_was_asked_for(library))
    page.reload()
    tab_to(page, "table a[href*='/runs/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/evaluation/runs/**")
    expect(page.locator("h1")).to_contain_text("第 1 次评测")
    assert signed_in.complaints == [] and signed_in.outside == []
