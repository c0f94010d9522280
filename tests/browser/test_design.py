"""The page of components: readable in every look, keyboard first, and nothing that our policy would refuse."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from liaoyuan.portal.shell.design import ENOUGH, STATES, design
from tests.browser.conftest import Hospital, Visit
from tests.browser.looks import look, serious

pytestmark = pytest.mark.browser


@pytest.fixture
def window(visit: Callable[..., Visit], hospital: Hospital) -> Visit:
    found = visit()
    found.enter(hospital.email)
    return found


def drawn(page: Any) -> None:
    page.wait_for_selector(".chart canvas")


def test_every_component_in_every_look(window: Visit) -> None:
    look(window, "/design", "design", before=drawn)


def test_every_state_has_a_word(window: Visit) -> None:
    window.go("/design")
    badges = window.page.locator("#states .state")
    assert badges.all_inner_texts() == list(STATES)
    assert window.page.locator("#states .state svg").count() == len(STATES) - 1, "neutral has no icon"


def test_every_icon_that_the_page_asks_for_is_in_the_sprite(window: Visit) -> None:
    window.go("/design")
    missing = window.page.evaluate("""async () => {
        const uses = [...document.querySelectorAll('use')].map(each => each.getAttribute('href'));
        const text = await (await fetch(uses[0].split('#')[0])).text();
        return [...new Set(uses.map(each => each.split('#')[1]))].filter(name => !text.includes(`id="${name}"`));
    }""")
    assert missing == []


def test_the_colours_pass_on_both_grounds() -> None:
    themes = design().themes
    assert [theme.name for theme in themes] == ["liaoyuan-light", "liaoyuan-dark"]
    for theme in themes:
        for colour in theme.colours:
            assert colour.passes, f"{theme.name} {colour.name}: {colour.contrasts}, {ENOUGH} needed"


def test_a_dialog_opens_closes_and_gives_the_focus_back(window: Visit) -> None:
    window.go("/design")
    opener = window.page.locator("[commandfor=design-dialog][command=show-modal]")
    opener.focus()
    window.page.keyboard.press("Enter")
    expect(window.page.locator("#design-dialog")).to_be_visible()
    assert serious(window.page) == []
    window.page.keyboard.press("Escape")
    expect(window.page.locator("#design-dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_what_cannot_be_undone_is_asked_first(window: Visit) -> None:
    window.go("/design")
    danger = window.page.locator("#controls [data-confirm]")
    danger.click()
    expect(window.page.locator("#confirm")).to_be_visible()
    expect(window.page.locator("#confirm").first).to_contain_text("无法撤销", use_inner_text=True)
    window.page.keyboard.press("Escape")
    expect(window.page.locator("#confirm")).to_be_hidden()


def test_a_menu_opens_and_closes_by_keyboard(window: Visit) -> None:
    window.go("/design")
    summary = window.page.locator("#controls details.menu > summary")
    summary.focus()
    window.page.keyboard.press("Enter")
    window.page.keyboard.press("ArrowDown")
    assert window.page.evaluate("document.activeElement.closest('.menu-box') !== null")
    window.page.keyboard.press("Escape")
    expect(window.page.locator("#controls .menu-box")).to_be_hidden()
    expect(summary).to_be_focused()


def test_an_explanation_comes_by_focus_and_goes_by_escape(window: Visit) -> None:
    window.go("/design")
    window.page.locator("#controls .help").focus()
    text = window.page.locator("#controls .help-text")
    expect(text).to_be_visible()
    window.page.keyboard.press("Escape")
    expect(text).to_be_hidden()


def test_copying_says_so(window: Visit) -> None:
    window.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    window.go("/design")
    button = window.page.locator(".code [data-copy]").first
    button.click()
    window.page.wait_for_selector(".code .copy.is-done")
    assert window.page.evaluate("navigator.clipboard.readText()") == "curl -s /v1/models"


def test_a_chart_is_a_table_too_and_follows_the_theme(window: Visit) -> None:
    window.go("/design")
    drawn(window.page)
    window.page.locator(".chart-data summary").click()
    expect(window.page.locator(".chart-data tbody tr")).to_have_count(21)
    window.page.locator("[data-theme-toggle]").click()
    drawn(window.page)
    assert (window.complaints, window.outside) == ([], [])


def test_the_page_reads_without_scripts(chromium: Any, window: Visit) -> None:
    state = window.page.context.storage_state()
    context = chromium.new_context(
        java_script_enabled=False, storage_state=state, viewport={"width": 375, "height": 800}, locale="zh-CN"
    )
    page = context.new_page()
    page.goto(f"{window.url}/design")
    assert page.locator("nav[aria-label='主导航'] a").first.is_visible(), (
        "no script, no drawer: the places stay in view"
    )
    expect(page.locator(".design-toasts .toast")).to_be_visible()
    expect(page.locator("[data-palette-open]")).to_be_hidden()
    context.close()
