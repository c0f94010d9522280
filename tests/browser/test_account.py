"""A person's own page, and the ways in without a password."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Visit, in_thread
from tests.browser.looks import look
from tests.browser.test_people import Ward, ward

__all__ = ["ward"]
pytestmark = pytest.mark.browser


def test_the_account_page_reads_well_everywhere(visit: Callable[..., Visit], ward: Ward) -> None:
    look(visit, "/account/", "account", email=ward.email)


@pytest.mark.parametrize(
    ("path", "name"), [("/invitation", "invitation"), ("/enter/x", "enter"), ("/accounts/password/reset/", "forgotten")]
)
def test_the_ways_in_read_well(path: str, name: str, visit: Callable[..., Visit], ward: Ward) -> None:
    window = visit()
    look(window, path, name, looks=((1280, "zh-CN", "light"), (375, "en-US", "dark")))


def test_a_one_time_link_leads_in_and_then_nowhere(visit: Callable[..., Visit], ward: Ward) -> None:
    def link() -> str:
        from liaoyuan.accounts.models import User
        from liaoyuan.accounts.services import login_link_create

        return login_link_create(user=User.objects.get(email=ward.email))

    path = in_thread(link)
    window = visit(language="en-US")
    window.go(path)
    window.page.get_by_role("button", name="Sign in").click()
    window.page.wait_for_url(window.url + "/")
    other = visit(language="en-US")
    other.go(path)
    other.page.get_by_role("button", name="Sign in").click()
    other.page.get_by_text("This link opens nothing").wait_for()


def test_five_wrong_passwords_show_a_page_that_says_until_when(visit: Callable[..., Visit], ward: Ward) -> None:
    window = visit(language="en-US")
    email = f"{uuid.uuid4().hex}@renhe.example"
    window.go("/accounts/login/")
    for _ in range(5):
        window.page.fill("input[name=login]", email)
        window.page.fill("input[name=password]", PASSWORD + "!")
        window.page.click("main button")
        window.page.wait_for_load_state()
    expect(window.page.locator("h1")).to_have_text("Too many attempts", use_inner_text=True)
    expect(window.page.locator("main").first).to_contain_text("15 minutes", use_inner_text=True)


def test_a_person_changes_language_and_zone_and_ends_another_window(visit: Callable[..., Visit], ward: Ward) -> None:
    here, there = visit(language="en-US"), visit(language="en-US")
    for window in (here, there):
        window.login(ward.viewer)
        window.go("/account/")
    here.page.reload()
    here.page.get_by_role("button", name="End all others").click()
    here.page.locator("dialog[open] button.btn-danger, dialog[open] button.btn-primary").first.click()
    here.page.get_by_text("All other sessions have ended").wait_for()
    there.page.reload()
    assert "/accounts/login/" in there.page.url
    here.page.get_by_label("Language").select_option("zh-hans")
    here.page.locator("#profile button").click()
    here.page.get_by_role("heading", name="账号").wait_for()
    assert here.complaints == []
