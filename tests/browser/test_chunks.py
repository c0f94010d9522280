"""The chunks' desk in a real browser: by keys alone, and looked at."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.browser.conftest import Visit, in_thread
from tests.browser.library import Library
from tests.browser.looks import look


@pytest.fixture
def signed_in(visit: Callable[..., Visit], library: Library) -> Visit:
    window = visit(1280, "en-US")
    window.enter(library.email)
    return window


def test_a_chunk_is_edited_split_merged_and_switched_off_by_keys(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    signed_in.go(f"/documents/{library.pdf_id}/chunks/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    card = page.locator("[data-card]").nth(1)
    assert card.evaluate("each => each === document.activeElement")
    assert page.locator(".box.is-marked").count() > 0
    count = page.locator("[data-card]").count()
    page.keyboard.press("e")
    area = page.locator("[data-area]")
    ready(page)
    text = area.input_value()
    page.keyboard.press("Control+End")
    page.keyboard.type(" See the hygiene desk.")
    page.keyboard.press("Control+Enter")
    changed = page.locator(".is-current:focus ins", has_text="See the hygiene desk.")
    changed.wait_for()
    page.keyboard.press("e")
    ready(page)
    area.evaluate(f"each => each.setSelectionRange({len(text)}, {len(text)})")
    page.keyboard.press("Control+.")
    page.locator(".is-current:focus .desk-text:not(:has(ins))").wait_for()
    assert page.locator("[data-card]").count() == count + 1
    page.keyboard.press("m")
    changed.wait_for()
    page.keyboard.press("x")
    page.locator(".is-current.is-off:focus").wait_for()
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")


def ready(page: Any) -> None:
    """The form is open and its script has put the cursor into the text."""
    page.locator("[data-area]:focus").wait_for()


def test_the_desk_is_looked_at(library: Library, signed_in: Visit) -> None:
    signed_in.go(f"/documents/{library.pdf_id}/chunks/")
    identifier = signed_in.page.locator("[data-card]").nth(2).get_attribute("data-id")
    path = f"/documents/{library.pdf_id}/chunks/?chunk={identifier}"
    look(signed_in, path, "chunks")
    one = [(1280, "zh-CN", "light")]
    look(signed_in, f"{path}&do=edit", "chunks-edit", looks=one)
    look(signed_in, f"{path}&do=split", "chunks-split", looks=[(375, "zh-CN", "light")])


def test_the_preview_is_looked_at(library: Library, signed_in: Visit) -> None:
    path = f"/documents/{library.pdf_id}/chunks/preview?target=80&limit=200"
    look(signed_in, path, "chunks-preview", looks=[(1280, "zh-CN", "light"), (375, "en-US", "dark")])


def test_a_second_editor_is_told_while_the_first_one_looks(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    signed_in.go(f"/documents/{library.table_id}/chunks/")
    first = page.locator("[data-card]").first.get_attribute("data-id")

    def change() -> Any:
        from liaoyuan.accounts.tenancy import Tenant
        from liaoyuan.knowledge.services.editing import chunk_enable

        who = Tenant(library.organization.id, library.owner.user_id, None)
        return chunk_enable(who=who, chunk_id=UUID(first), enabled=False)

    in_thread(change)
    page.locator("[data-news]:not([hidden])").wait_for(timeout=60_000)
    assert page.locator("[data-card].is-changed").count() == 1
