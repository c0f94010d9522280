"""Traces in a real browser: the list, one answer, and the way from it to the page of the document."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.looks import look
from tests.integration.portal.passed import Passed

pytestmark = pytest.mark.browser


@pytest.fixture
def owner(visit: Callable[..., Visit], clinic: tuple[str, Passed]) -> Visit:
    found = visit()
    found.enter(clinic[0])
    return found


def test_the_list_reads_well_everywhere(owner: Visit) -> None:
    look(owner, "/traces/", "traces")


def test_one_answer_reads_well_everywhere(owner: Visit, clinic: tuple[str, Passed]) -> None:
    look(owner, f"/traces/{clinic[1].answers['open']}/", "trace")


def test_a_filter_applies_at_once_and_leads_to_the_answer(owner: Visit, clinic: tuple[str, Passed]) -> None:
    owner.go("/traces/")
    owner.page.select_option("select[name=outcome]", "blocked")
    owner.page.wait_for_url("**outcome=blocked**")
    expect(owner.page.locator(".traces tbody tr")).to_have_count(1)
    owner.page.locator(".trace-question").click()
    owner.page.wait_for_url(f"**/traces/{clinic[1].answers['blocked']}/")
    expect(owner.page.locator(".state-failed >> text=已拦截")).to_have_count(1)


def test_a_citation_leads_to_its_document(owner: Visit, clinic: tuple[str, Passed]) -> None:
    owner.go(f"/traces/{clinic[1].answers['open']}/")
    address = owner.page.locator(".cited a").get_attribute("href")
    assert address is not None
    assert str(clinic[1].documents["手卫生管理规定"]) in address
