"""Lineage in a real browser: the index, the graph by mouse and by keyboard, and the same as a list."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.looks import look
from tests.integration.portal.passed import OPEN, Passed

pytestmark = pytest.mark.browser


@pytest.fixture
def owner(visit: Callable[..., Visit], clinic: tuple[str, Passed]) -> Visit:
    found = visit()
    found.enter(clinic[0])
    return found


def test_the_index_reads_well_everywhere(owner: Visit) -> None:
    look(owner, "/lineage/", "lineage")


def test_a_graph_reads_well_everywhere(owner: Visit, clinic: tuple[str, Passed]) -> None:
    look(owner, f"/lineage/bundle/{clinic[1].made['bundle']}/", "lineage-bundle")


def test_choosing_a_node_puts_it_into_the_middle(owner: Visit, clinic: tuple[str, Passed]) -> None:
    owner.go(f"/lineage/bundle/{clinic[1].made['bundle']}/")
    current = owner.page.locator(".graph-node.is-current")
    expect(current).to_have_count(1)
    owner.page.locator(f".graph-node[aria-label='文档版本: {OPEN}']").focus()
    owner.page.keyboard.press("Enter")
    owner.page.wait_for_url(f"**/lineage/document_version/{clinic[1].versions[OPEN]}/")
    expect(owner.page.locator("h1")).to_have_text(OPEN, use_inner_text=True)
    # What it is about is in sight although the drawing is wider than its frame.
    box = owner.page.locator(".graph-node.is-current rect").bounding_box()
    frame = owner.page.locator("[data-graph]").bounding_box()
    assert box is not None
    assert frame is not None
    assert frame["x"] <= box["x"] <= frame["x"] + frame["width"]


def test_the_list_says_the_same(owner: Visit, clinic: tuple[str, Passed]) -> None:
    owner.go(f"/lineage/answer/{clinic[1].answers['open']}/")
    in_graph = set(owner.page.eval_on_selector_all(".graph-node", "all => all.map(a => a.getAttribute('href'))"))
    in_list = set(owner.page.eval_on_selector_all(".branches a", "all => all.map(a => a.getAttribute('href'))"))
    here = f"/lineage/answer/{clinic[1].answers['open']}/"
    assert in_graph - {here} <= in_list
