"""The documents' pages in a real browser: looked at, and used with pointer and keys."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Visit, in_thread
from tests.browser.library import Library
from tests.browser.looks import look


@pytest.fixture
def signed_in(visit: Callable[..., Visit], library: Library) -> Visit:
    window = visit(1280, "en-US")
    window.enter(library.email)
    return window


def test_the_collections_page_is_looked_at(visit: Callable[..., Visit], library: Library, signed_in: Visit) -> None:
    look(signed_in, "/collections/", "documents-collections")


def test_a_collections_page_is_looked_at(library: Library, signed_in: Visit) -> None:
    look(signed_in, f"/collections/{library.collection_id}/", "documents-collection")
    look(signed_in, f"/collections/{library.empty_id}/", "documents-empty", looks=[(375, "zh-CN", "light")])


def test_an_empty_organization_is_looked_at(visit: Callable[..., Visit]) -> None:
    from tests.browser.library import nobody_make

    email = in_thread(lambda: nobody_make(PASSWORD))
    window = visit(1280, "zh-CN")
    window.login(email)
    two = [(1280, "zh-CN", "light"), (375, "en-US", "dark")]
    look(window, "/collections/", "documents-none", looks=two)
    look(window, "/chat/", "chat-none", looks=[(1280, "zh-CN", "light")])


def test_a_document_with_pictures_is_looked_at(library: Library, signed_in: Visit) -> None:
    look(signed_in, f"/documents/{library.pdf_id}/?block=4", "document-pdf")


def test_a_document_of_blocks_is_looked_at(library: Library, signed_in: Visit) -> None:
    look(
        signed_in,
        f"/documents/{library.table_id}/",
        "document-table",
        looks=[(1280, "zh-CN", "light"), (375, "en-US", "dark")],
    )


def test_choosing_a_chunk_marks_its_boxes_and_a_box_marks_its_chunk(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    signed_in.go(f"/documents/{library.pdf_id}/")
    page.locator(".chunk-pick").nth(1).click()
    blocks = set((page.locator(".chunk-pick").nth(1).get_attribute("data-blocks") or "").split())
    marked = page.locator(".box.is-marked").evaluate_all("boxes => boxes.map(each => each.dataset.block)")
    assert marked and set(marked) <= blocks
    assert "block=" in page.url
    last = page.locator(".box").last
    last.click()
    expect(page.locator(".box.is-marked")).to_have_count(1)
    number = last.get_attribute("data-block")
    picks = page.locator(".chunk.is-marked .chunk-pick").evaluate_all("all => all.map(each => each.dataset.blocks)")
    assert any(number in pick.split() for pick in picks)
    page.reload()
    expect(page.locator(f".box.is-marked[data-block='{number}']")).to_have_count(1)


def test_the_boxes_lie_over_the_ink_they_name(library: Library, signed_in: Visit) -> None:
    """The picture and the boxes have the same frame: dark pixels under the first heading's box."""
    page = signed_in.page
    signed_in.go(f"/documents/{library.pdf_id}/")
    page.wait_for_function("document.querySelector('svg image').getBBox().width > 0")
    inside = page.evaluate(INK)
    assert inside > 0.02


# Share of dark pixels inside the first box, measured on the picture itself.
INK = """async () => {
  const svg = document.querySelector('.sheet-page');
  const view = svg.viewBox.baseVal, box = svg.querySelector('.box');
  const picture = new Image();
  picture.src = svg.querySelector('image').href.baseVal;
  await picture.decode();
  const canvas = document.createElement('canvas');
  canvas.width = picture.width; canvas.height = picture.height;
  const pen = canvas.getContext('2d');
  pen.drawImage(picture, 0, 0);
  const k = picture.width / view.width;
  const at = name => Number(box.getAttribute(name)) * k;
  const data = pen.getImageData(at('x'), at('y'), Math.max(1, at('width')), Math.max(1, at('height'))).data;
  let dark = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] + data[i + 1] + data[i + 2] < 384) dark += 1;
  return dark / (data.length / 4);
}"""


def test_documents_are_chosen_and_an_erasure_is_taken_back(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    signed_in.go(f"/collections/{library.collection_id}/")
    page.locator("input[name=document]").first.check()
    expect(page.locator("[data-bulk-count]")).to_contain_text("1 /", use_inner_text=True)
    page.get_by_role("button", name="Erase…").click()
    page.wait_for_selector("text=Erase for good")
    page.get_by_role("link", name="Keep them").click()
    expect(page.locator("input[name=document]")).to_have_count(library.documents)


def test_documents_are_found_chosen_and_opened_without_a_mouse(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    signed_in.go(f"/collections/{library.collection_id}/")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".row-link").nth(1)).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("input[name=document]").nth(1)).to_be_checked()
    page.keyboard.press("u")
    expect(page.locator("#upload")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#upload")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("手卫生")
    page.wait_for_url("**q=**")
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-doc] .chunk-pick")
    page.keyboard.press("j")
    expect(page.locator(".chunk-pick").first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("/")
    expect(page.locator(".doc-find input[type=search]")).to_be_focused()
    assert signed_in.complaints == [] and signed_in.outside == []


AT_ONCE = """() => {
  const list = document.querySelector('#keys');
  list.showModal();
  list.close();
  const press = () => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
  press();
  press();
}"""


def test_keys_count_from_the_moment_a_dialog_closes(library: Library, signed_in: Visit) -> None:
    """A browser takes the focus out of it a moment later."""
    page = signed_in.page
    signed_in.go(f"/collections/{library.collection_id}/")
    page.evaluate(AT_ONCE)
    expect(page.locator(".row-link").nth(1)).to_be_focused(timeout=3000)


def test_the_list_filters_itself_and_reads_without_a_script(library: Library, signed_in: Visit, chromium: Any) -> None:
    page = signed_in.page
    signed_in.go(f"/collections/{library.collection_id}/")
    with page.expect_navigation():
        page.select_option("select[name=state]", "refused")
    expect(page.locator("input[name=document]")).to_have_count(1)
    context = chromium.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    plain = context.new_page()
    plain.goto(f"{signed_in.url}/documents/{library.pdf_id}/?block=4")
    expect(plain.locator(".box.is-marked")).to_have_count(1)
    plain.goto(f"{signed_in.url}/collections/{library.collection_id}/?state=refused")
    expect(plain.locator("tbody tr")).to_have_count(1)
    context.close()


def test_files_are_added_with_the_dialog(library: Library, signed_in: Visit, tmp_path: Path) -> None:
    page = signed_in.page
    path = tmp_path / f"规定 {uuid.uuid4().hex[:6]}.md"
    path.write_text("# 规定\n", encoding="utf-8")
    signed_in.go(f"/collections/{library.empty_id}/")
    page.get_by_role("button", name="Add files").first.click()
    page.set_input_files("input[type=file]", str(path))
    with page.expect_navigation():
        page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".importing")).to_have_count(1)
    expect(page.locator(".importing-line")).to_contain_text("worker", use_inner_text=True)


DROPPED = """async ([names, target]) => {
  const holder = new DataTransfer();
  for (const [name, text] of names) holder.items.add(new File([text], name, { lastModified: 1 }));
  const place = document.querySelector(target);
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    place.dispatchEvent(new DragEvent(kind, { dataTransfer: holder, bubbles: true, cancelable: true }));
    await new Promise(resolve => requestAnimationFrame(resolve));
  }
}"""
OVER = """() => {
  const holder = new DataTransfer();
  holder.items.add(new File(['x'], 'a.md'));
  document.body.dispatchEvent(new DragEvent('dragenter', { dataTransfer: holder, bubbles: true, cancelable: true }));
}"""


def test_files_dropped_anywhere_on_the_page_are_sent_and_read_once_somebody_says_so(
    library: Library, signed_in: Visit
) -> None:
    page = signed_in.page
    signed_in.go(f"/collections/{library.empty_id}/")
    page.evaluate(OVER)
    expect(page.locator("[data-drop-page]")).to_be_visible()
    name = f"落下的规定-{uuid.uuid4().hex[:6]}.md"
    page.evaluate(DROPPED, [[[name, "# 规定"], [".DS_Store", "x"]], "h1"])
    expect(page.locator("[data-drop-page]")).to_be_hidden()
    expect(page.locator("#upload")).to_be_visible()
    expect(page.locator('.upload[data-state="done"]')).to_have_count(1)
    expect(page.locator("[data-total]")).to_contain_text("1 hidden or empty files were left out", use_inner_text=True)
    expect(page.locator("[data-add]")).to_be_focused()
    # Closed, the page still says what is there; nothing was read yet.
    page.keyboard.press("Escape")
    expect(page.locator("[data-sending]")).to_contain_text("All 1 files have arrived", use_inner_text=True)
    signed_in.go(f"/collections/{library.empty_id}/")
    expect(page.locator("[data-sending]")).to_contain_text("1 file was sent here earlier", use_inner_text=True)
    page.keyboard.press("u")
    expect(page.locator(".upload-name")).to_have_text([name])
    with page.expect_navigation():
        page.locator("[data-add]").press("Enter")
    page.wait_for_selector(".importing, .waiting")
    expect(page.locator("[data-sending]")).to_be_hidden()
    assert signed_in.outside == []


def test_a_dropped_file_that_is_refused_says_why_and_the_others_go_in(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    signed_in.go(f"/collections/{library.empty_id}/")
    long = "长" * 90 + ".md"
    page.evaluate(DROPPED, [[[long, "# 长"], ["短.md", "# 短"]], "main"])
    expect(page.locator('.upload[data-state="wrong"] .upload-note')).not_to_be_empty()
    expect(page.locator('.upload[data-state="done"]')).to_have_count(1)
    # What a page has sent is its reader's until they import it or take it away.
    with page.expect_response(lambda answer: answer.url.endswith("/remove")):
        page.locator('.upload[data-state="done"] [data-remove]').click()
    expect(page.locator('.upload[data-state="done"]')).to_have_count(0)


def test_what_an_earlier_visit_sent_can_be_taken_away(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    signed_in.go(f"/collections/{library.empty_id}/")
    page.evaluate(DROPPED, [[["不要了.md", "# 不"]], "main"])
    expect(page.locator('.upload[data-state="done"]')).to_have_count(1)
    signed_in.go(f"/collections/{library.empty_id}/")
    page.keyboard.press("u")
    page.locator(".upload [data-remove]").click()
    expect(page.locator(".upload")).to_have_count(0)
    page.locator("[data-add]").click()
    expect(page.locator("[data-total]")).to_have_text("Choose files first.")
    signed_in.go(f"/collections/{library.empty_id}/")
    expect(page.locator("[data-sending]")).to_be_hidden()


def test_chosen_documents_are_read_again_by_keys(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    signed_in.go(f"/collections/{library.collection_id}/?q=sepsis")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_role("button", name="Read again").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator(".toasts, [role=status], [role=alert]").first).to_be_attached()
    expect(page.locator("tr", has_text="sepsis-bundle.md").last).to_contain_text(
        "being read again", use_inner_text=True
    )
    page.get_by_role("link", name="sepsis-bundle.md").click()
    expect(page.locator(".doc-again")).to_contain_text("being read again", use_inner_text=True)


def test_on_a_phone_a_document_is_a_card_that_shows_everything(visit: Callable[..., Visit], library: Library) -> None:
    window = visit(375, "en-US")
    window.enter(library.email)
    window.go(f"/collections/{library.collection_id}/?state=refused")
    page = window.page
    reason = page.locator(".files .reason")
    box = reason.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 375
    expect(page.locator('.files td[data-label="Size"]')).to_be_visible()


def test_every_part_of_a_collection_lists_its_keys_and_is_reached_by_number(library: Library, signed_in: Visit) -> None:
    page = signed_in.page
    home = f"/collections/{library.collection_id}/"
    signed_in.go("/collections/")
    page.keyboard.press("j")
    expect(page.locator(".row-link").first).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator("#new-collection")).to_be_visible()
    page.keyboard.press("Escape")
    signed_in.go(home)
    for number, part in ((2, "lab/"), (3, "evaluation/"), (4, "sources/"), (5, "settings/"), (1, "")):
        page.keyboard.press(str(number))
        page.wait_for_url(f"**{home}{part}")
        page.wait_for_load_state("load")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#keys")).to_be_hidden()
    signed_in.go(f"/documents/{library.pdf_id}/versions/")
    page.keyboard.press("j")
    expect(page.locator(".row-link").first).to_be_focused()
    assert signed_in.complaints == []
