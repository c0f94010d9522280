"""The way to a solution in a browser: by mouse, by keyboard alone, without scripts, and over a bad connection."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Visit, in_thread
from tests.browser.looks import EVERY, look, picture, problems
from tests.browser.test_home import _empty_organization

pytestmark = pytest.mark.browser
SOME = EVERY[:2]


@pytest.fixture
def window(visit: Callable[..., Visit]) -> Visit:
    found = visit(language="en-US")
    found.login(in_thread(_empty_organization))
    return found


def to_documents(window: Visit, name: str = "Hand hygiene") -> str:
    """Walk to the third step; its address."""
    window.go("/solutions/new")
    window.page.get_by_role("button", name="Choose Healthcare").click()
    window.page.fill("#id_name", name)
    window.page.get_by_role("button", name="Continue").click()
    window.page.wait_for_url("**/documents")
    return str(window.page.url)


def files_in(folder: Path, *sizes: int) -> list[str]:
    made = []
    for number, size in enumerate(sizes):
        path = folder / f"规范 {number}.txt"
        path.write_bytes("手卫生制度。\n".encode() * (size // 19 + 1))
        made.append(str(path))
    return made


def notes(window: Visit) -> list[str]:
    return [str(text) for text in window.page.locator(".upload .upload-note").all_inner_texts()]


def wait_arrived(window: Visit, count: int) -> None:
    window.page.locator('.upload[data-state="done"]').nth(count - 1).wait_for(timeout=30_000)


def test_the_steps_read_well(window: Visit, tmp_path: Path) -> None:
    documents = to_documents(window).removeprefix(window.url)
    window.page.set_input_files("[name=documents]", files_in(tmp_path, 40_000, 900))
    wait_arrived(window, 2)
    picture(window, "wizard-uploaded")
    assert problems(window, 1280) == []
    # The first plan of a process reads the base model's file.
    window.page.get_by_role("button", name="Continue").click(timeout=90_000)
    window.page.wait_for_url("**/plan")
    for step in ("industry", "scenario", "documents", "plan"):
        look(window, documents.replace("documents", step), f"wizard-{step}", looks=SOME)


def test_real_files_lead_to_the_board(window: Visit, tmp_path: Path) -> None:
    to_documents(window)
    window.page.set_input_files("[name=documents]", files_in(tmp_path, 3_000_000, 500))
    wait_arrived(window, 2)
    window.page.get_by_role("button", name="Continue").click()
    window.page.wait_for_url("**/plan")
    window.page.get_by_role("button", name="Start").dblclick()
    window.page.locator(".stage").nth(5).wait_for()
    expect(window.page.locator("h1").first).to_contain_text("Hand hygiene", use_inner_text=True)
    # Back leads to the board again, not to a form that would start it twice.
    window.page.go_back()
    window.page.wait_for_load_state()
    window.go(window.page.url.removeprefix(window.url))
    expect(window.page.locator(".stage")).to_have_count(6)
    assert window.complaints == []


def test_the_whole_way_by_keyboard(window: Visit) -> None:
    page = window.page
    window.go("/solutions/new")

    def press_to(name: str, role: str = "button") -> None:
        """Tab until the focus stands on it, as somebody without a mouse does; then Enter."""
        wanted = page.get_by_role(role, name=name).first
        for _ in range(90):
            page.keyboard.press("Tab")
            if wanted.evaluate("each => each === document.activeElement"):
                outline = wanted.evaluate("each => getComputedStyle(each).outlineStyle")
                assert outline != "none", f"no visible focus on {name}"
                page.keyboard.press("Enter")
                return
        raise AssertionError(f"{name} cannot be reached by Tab")

    press_to("Choose Healthcare")
    page.wait_for_url("**/scenario")
    press_to("Continue")
    page.wait_for_url("**/documents")
    page.locator("[name=source]:checked").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("[name=source]:checked").get_attribute("value") == "sample"
    press_to("Continue")
    page.wait_for_url("**/plan")
    press_to("Start")
    page.locator(".stage").nth(5).wait_for()


def test_a_lost_connection_costs_nothing_that_arrived(window: Visit, tmp_path: Path) -> None:
    to_documents(window)
    page, sent = window.page, []

    def cut(route: Any) -> None:
        """The third part never arrives, nor does the one that is tried next."""
        sent.append(route.request.url)
        if len(sent) in {3, 4}:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/uploads/*?offset=*", cut)
    page.set_input_files("[name=documents]", files_in(tmp_path, 6_000_000))
    wait_arrived(window, 1)
    offsets = [int(url.rsplit("=", 1)[1]) for url in sent]
    # What was cut is sent again from where it stopped, and nothing before it.
    assert offsets[2] == offsets[3] == offsets[4] > 0
    assert offsets == sorted(offsets)


def test_a_paused_file_goes_on_and_a_reload_keeps_it(window: Visit, tmp_path: Path) -> None:
    documents = to_documents(window)
    page = window.page
    page.route(re.compile(r"/uploads/[0-9a-f-]+\?offset=[1-9]"), lambda route: route.abort("connectionreset"))
    files = files_in(tmp_path, 3_000_000)
    page.set_input_files("[name=documents]", files)
    page.locator('.upload[data-state="broken"]').wait_for()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".upload .upload-note")).to_have_text(["paused"])
    # Not whole: the step waits, and says so.
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-total]").first).to_contain_text("still on their way", use_inner_text=True)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(documents)
    expect(page.locator(".upload .upload-note")).to_have_text(["choose the file again to go on"])
    page.unroute_all()
    starts: list[str] = []
    page.on("request", lambda request: starts.append(request.url) if "?offset=" in request.url else None)
    page.set_input_files("[name=documents]", files)
    wait_arrived(window, 1)
    expect(page.locator(".upload")).to_have_count(1)
    assert not starts[0].endswith("offset=0")


def test_an_expired_session_in_the_middle_goes_on_after_signing_in(window: Visit, tmp_path: Path) -> None:
    email = in_thread(_empty_organization)
    context = window.page.context
    context.clear_cookies()
    window.login(email)
    to_documents(window)
    kept = context.cookies()
    gone = [each for each in kept if each["name"] != "sessionid"]
    context.clear_cookies()
    context.add_cookies(gone)
    window.page.set_input_files("[name=documents]", files_in(tmp_path, 2_000_000))
    window.page.locator("[data-session]").wait_for(state="visible")
    picture(window, "wizard-session")
    other = Visit(context.new_page(), window.url)
    other.go("/accounts/login/")
    other.page.fill("input[name=login]", email)
    other.page.fill("input[name=password]", PASSWORD)
    other.page.click("main button")
    other.page.wait_for_url(window.url + "/")
    wait_arrived(window, 1)
    expect(window.page.locator("[data-session]")).to_be_hidden()
    window.page.get_by_role("button", name="Continue").click()
    window.page.wait_for_url("**/plan")


def test_what_cannot_be_taken_says_why(window: Visit, tmp_path: Path) -> None:
    to_documents(window)
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "empty.txt").write_bytes(b"")
    odd = tmp_path / "\u202egnp\u200b <img src=x>.txt"
    odd.write_bytes(b"abc")
    with (tmp_path / "big.zip").open("wb") as big:
        big.truncate(2 << 30)
    window.page.evaluate("window.sent = 0")
    window.page.on("request", lambda request: window.outside.append(request.url) if "?offset=" in request.url else None)
    window.page.set_input_files("[name=documents]", [str(tmp_path / "big.zip")])
    window.page.locator('.upload[data-state="wrong"]').wait_for()
    assert "2.0 GB" in notes(window)[0]
    # Refused before a byte of it left.
    assert window.outside == []
    window.page.set_input_files("[name=documents]", [str(tmp_path / ".hidden"), str(tmp_path / "empty.txt"), str(odd)])
    wait_arrived(window, 1)
    names = window.page.locator(".upload-name").all_inner_texts()
    assert "gnp <img src=x>.txt" in names
    expect(window.page.locator(".upload img")).to_have_count(0)
    expect(window.page.locator("[data-total]").first).to_contain_text(
        "2 hidden or empty files were left out", use_inner_text=True
    )


def test_without_scripts_the_form_sends_the_files(visit: Callable[..., Visit], tmp_path: Path) -> None:
    window = visit()
    context = window.page.context.browser.new_context(java_script_enabled=False, locale="en-US")
    plain = Visit(context.new_page(), window.url)
    plain.login(in_thread(_empty_organization))
    to_documents(plain, f"Plain {uuid.uuid4().hex[:4]}")
    plain.page.set_input_files("[name=documents]", files_in(tmp_path, 900, 900))
    plain.page.get_by_role("button", name="Continue").click()
    plain.page.wait_for_url("**/plan")
    plain.page.get_by_role("button", name="Start").click()
    expect(plain.page.locator(".stage")).to_have_count(6)
    context.close()
