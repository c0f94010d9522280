"""The frame around every page: palette, theme, drawer, languages, time zone, weight."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Hospital, Visit
from tests.browser.looks import look, serious

pytestmark = pytest.mark.browser
# What a page may weigh on the wire, charts apart.
HEAVIEST = 300 * 1024


@pytest.fixture
def window(visit: Callable[..., Visit], hospital: Hospital) -> Visit:
    found = visit()
    found.enter(hospital.email)
    return found


def test_the_palette_goes_places_by_keyboard_alone(window: Visit) -> None:
    window.go("/design")
    window.page.keyboard.press("Control+k")
    window.page.wait_for_selector("#palette [role=option]")
    assert serious(window.page) == []
    window.page.keyboard.type("手卫生")
    window.page.wait_for_selector("#palette [role=option]:has-text('手卫生制度问答')")
    window.page.keyboard.press("Enter")
    window.page.wait_for_url("**/solutions/**")


def test_the_palette_walks_by_arrows_and_closes_by_escape(window: Visit) -> None:
    window.go("/design")
    window.page.keyboard.press("Control+k")
    window.page.wait_for_selector("#palette [aria-selected=true]")
    first = window.page.get_attribute("#palette-input", "aria-activedescendant")
    window.page.keyboard.press("ArrowDown")
    second = window.page.get_attribute("#palette-input", "aria-activedescendant")
    window.page.keyboard.press("ArrowUp")
    assert first != second
    assert window.page.get_attribute("#palette-input", "aria-activedescendant") == first
    window.page.keyboard.press("Escape")
    expect(window.page.locator("#palette")).to_be_hidden()


def test_the_palette_says_when_nothing_matches_and_never_draws_markup(window: Visit) -> None:
    window.go("/design")
    window.page.keyboard.press("Control+k")
    window.page.keyboard.type("<img src=x onerror=alert(1)>")
    window.page.wait_for_selector("#palette .palette-none")
    expect(window.page.locator("#palette .palette-none").first).to_contain_text("<img src=x", use_inner_text=True)
    expect(window.page.locator("#palette-list img")).to_have_count(0)
    assert window.complaints == []


def test_the_theme_is_the_systems_until_somebody_chooses_and_then_stays(window: Visit) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    window.go("/design")
    light = window.page.evaluate(ground)
    window.page.emulate_media(color_scheme="dark")
    dark = window.page.evaluate(ground)
    assert light != dark
    window.page.locator("[data-theme-toggle]").click()
    assert window.page.evaluate(ground) == light
    window.page.reload()
    assert window.page.evaluate(ground) == light


def test_a_chosen_theme_is_there_before_the_first_paint(window: Visit) -> None:
    window.go("/design")
    window.page.evaluate("localStorage.setItem('theme', 'dark')")
    # What the document element says when the body begins to be parsed, long before any deferred script.
    window.page.add_init_script(
        "new MutationObserver((_, me) => { if (document.body) {"
        " window.atBody ??= document.documentElement.dataset.theme; me.disconnect(); } })"
        ".observe(document, { childList: true, subtree: true });"
    )
    window.page.reload()
    assert window.page.evaluate("window.atBody") == "liaoyuan-dark"


def test_the_navigation_is_a_drawer_on_a_narrow_window(visit: Callable[..., Visit], hospital: Hospital) -> None:
    window = visit(width=375)
    window.login(hospital.email)
    places = window.page.locator("nav[aria-label='主导航']")
    expect(places).to_be_hidden()
    opener = window.page.locator("[data-drawer-open]")
    opener.focus()
    window.page.keyboard.press("Enter")
    window.page.wait_for_timeout(300)
    expect(places).to_be_visible()
    assert opener.get_attribute("aria-expanded") == "true"
    assert window.page.evaluate("document.activeElement.closest('#side') !== null")
    assert serious(window.page) == []
    window.page.keyboard.press("Escape")
    window.page.wait_for_timeout(300)
    expect(places).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_first_tab_leads_past_the_navigation(window: Visit) -> None:
    window.go("/design")
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.activeElement.classList.contains('skip')")
    window.page.keyboard.press("Enter")
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.activeElement.closest('main') !== null")


def test_times_are_shown_in_the_zone_of_the_window(chromium: Any, window: Visit) -> None:
    shown = {}
    state = window.page.context.storage_state()
    for zone in ("Asia/Tokyo", "America/New_York"):
        cookies = [each for each in state["cookies"] if each["name"] != "tz"]
        context = chromium.new_context(timezone_id=zone, storage_state=state | {"cookies": cookies})
        page = context.new_page()
        page.goto(f"{window.url}/design")
        page.wait_for_function("document.cookie.includes('tz=')")
        page.reload()
        shown[zone] = page.locator(".page-columns aside time").last.get_attribute("datetime")
        context.close()
    assert shown["Asia/Tokyo"].endswith("+09:00")
    assert shown["America/New_York"].endswith(("-05:00", "-04:00"))


@pytest.mark.parametrize("path", ["/", "/design", "/accounts/login/"])
def test_a_page_weighs_little(path: str, window: Visit) -> None:
    """Everything that a first visit loads, as it comes over the wire; a page's charts bring their engine on top."""
    fresh = window.page.context.browser.new_context(storage_state=window.page.context.storage_state())
    page = fresh.new_page()
    page.goto(window.url + path, wait_until="load")
    page.wait_for_timeout(500)
    entries = page.evaluate("""() => [...performance.getEntriesByType('navigation'),
        ...performance.getEntriesByType('resource')].map(each => [each.name, each.transferSize])""")
    sizes = {name: size for name, size in entries if "/echarts.js" not in name}
    fresh.close()
    assert len(sizes) > 5
    assert sum(sizes.values()) < HEAVIEST, sizes


def test_a_second_visit_loads_no_style_and_no_library_again(window: Visit) -> None:
    window.go("/design")
    window.go("/design")
    entries = window.page.evaluate(
        "performance.getEntriesByType('resource').filter(each => /css|vendor|[.]js/.test(each.name))"
        ".map(each => [each.name, each.transferSize])"
    )
    assert entries
    assert [name for name, size in entries if size > 0] == []


def test_a_form_is_sent_once(window: Visit) -> None:
    window.go("/accounts/password/change/")
    sent: list[str] = []
    window.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    window.page.fill("input[name=oldpassword]", PASSWORD)
    window.page.fill("input[name=password1]", "x")
    window.page.fill("input[name=password2]", "y")
    window.page.evaluate("""() => {
        const form = document.querySelector('main form'), button = form.querySelector('button');
        form.requestSubmit(button);
        form.requestSubmit(button);
    }""")
    window.page.wait_for_selector(".errorlist")
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/accounts/password/change/", "password-change"),
        ("/accounts/2fa/", "two-steps"),
        ("/accounts/sessions/", "sessions"),
    ],
)
def test_the_librarys_pages_stand_in_the_frame(path: str, name: str, window: Visit) -> None:
    window.go(path)
    expect(window.page.locator("nav[aria-label='主导航']")).to_be_visible()
    look(window, path, name)


@pytest.mark.parametrize(
    ("path", "name"), [("/accounts/login/", "login"), ("/accounts/password/reset/", "password-reset")]
)
def test_pages_before_the_door(path: str, name: str, visit: Callable[..., Visit]) -> None:
    look(visit, path, name)


def test_a_missing_page_says_so_in_every_look(window: Visit) -> None:
    look(window, "/nothing/here", "missing", ignore=["404"])


def test_two_factor_is_set_up_and_asked_for(visit: Callable[..., Visit], hospital: Hospital) -> None:
    from tests.browser.two_factor import code_now, person_new

    email = person_new(hospital)
    window = visit()
    window.login(email)
    window.go("/accounts/2fa/totp/activate/")
    if "reauthenticate" in window.page.url:
        window.page.fill("input[name=password]", PASSWORD)
        window.page.click("main button")
    look(window, "/accounts/2fa/totp/activate/", "totp")
    window.go("/accounts/2fa/totp/activate/")
    window.page.fill("input[name=code]", code_now(window.page.input_value("#authenticator_secret")))
    window.page.click("main button[type=submit]")
    window.page.wait_for_url("**/2fa/recovery-codes/**")
    look(window, "/accounts/2fa/recovery-codes/", "recovery-codes")
    fresh = visit()
    fresh.go("/accounts/login/")
    fresh.page.fill("input[name=login]", email)
    fresh.page.fill("input[name=password]", PASSWORD)
    fresh.page.click("main button")
    fresh.page.wait_for_selector("input[name=code]")
    assert serious(fresh.page) == []
