"""The list, the board of one solution and the page of a run, as people see and steer them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Hospital, Visit, in_thread
from tests.browser.looks import look, picture, problems
from tests.browser.test_home import move

pytestmark = pytest.mark.browser


@pytest.fixture
def window(visit: Callable[..., Visit], hospital: Hospital) -> Visit:
    found = visit()
    found.enter(hospital.email)
    return found


def solution_of(hospital: Hospital, run: str = "running_id") -> str:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.models import StageRun

    with tenant_context(hospital.organization_id):
        return f"/solutions/{StageRun.objects.get(id=getattr(hospital, run)).solution_id}/"


def test_the_list_reads_well_everywhere(window: Visit) -> None:
    look(window, "/solutions/", "solutions")
    look(window, "/solutions/?q=zzz", "solutions-nothing", looks=((375, "zh-CN", "light"),))


@pytest.mark.parametrize("run", ["running_id", "approval_id"])
def test_the_board_reads_well_everywhere(run: str, window: Visit, hospital: Hospital) -> None:
    look(window, in_thread(lambda: solution_of(hospital, run)), f"board-{run.removesuffix('_id')}")


def test_the_board_is_a_row_of_six_and_a_column_on_a_phone(window: Visit, hospital: Hospital) -> None:
    window.page.set_viewport_size({"width": 1720, "height": 900})
    window.go(in_thread(lambda: solution_of(hospital)))
    picture(window, "board-1720")

    def places() -> list[dict[str, float]]:
        return [each.bounding_box() or {} for each in window.page.locator(".stage").all()]

    assert len({round(place["y"]) for place in places()}) == 1
    window.page.set_viewport_size({"width": 375, "height": 900})
    assert len({round(place["x"]) for place in places()}) == 1
    assert len({round(place["y"]) for place in places()}) == 6


def test_an_event_moves_the_board_without_a_reload(window: Visit, hospital: Hospital) -> None:
    window.go(in_thread(lambda: solution_of(hospital)))
    window.page.evaluate("window.here = 1")
    in_thread(lambda: move(hospital, 0.95, "第 190/200 步，损失 1.51"))
    window.page.wait_for_selector("text=第 190/200 步", timeout=20_000)
    assert window.page.evaluate("window.here") == 1
    assert window.complaints == []


@pytest.mark.parametrize("run", ["running_id", "approval_id"])
def test_the_page_of_a_run_reads_well_everywhere(run: str, window: Visit, hospital: Hospital) -> None:
    look(window, f"/runs/{getattr(hospital, run)}/", f"run-{run.removesuffix('_id')}")


def test_an_owner_approves_with_a_note_from_the_board(window: Visit, hospital: Hospital) -> None:
    window.go(in_thread(lambda: solution_of(hospital, "approval_id")))
    window.page.get_by_role("button", name="批准…").click()
    dialog = window.page.locator("dialog[open]")
    picture(window, "board-approve")
    assert problems(window, 1280) == []
    dialog.locator("textarea").fill("看过考核结果")
    dialog.get_by_role("button", name="批准上线").click()
    window.page.wait_for_selector("text=看过考核结果")
    assert in_thread(lambda: state_of(hospital)) == "queued"


def state_of(hospital: Hospital) -> str:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.models import StageRun

    with tenant_context(hospital.organization_id):
        return StageRun.objects.get(id=hospital.approval_id).state


def test_the_pages_read_and_steer_without_scripts(visit: Callable[..., Visit], hospital: Hospital) -> None:
    window = visit()
    context = window.page.context.browser.new_context(java_script_enabled=False, locale="zh-CN")
    plain = Visit(context.new_page(), window.url)
    plain.login(hospital.email)
    plain.go(in_thread(lambda: solution_of(hospital)))
    expect(plain.page.locator(".stage")).to_have_count(6)
    plain.go(f"/runs/{hospital.running_id}/")
    expect(plain.page.locator("h1").first).to_contain_text("训模型", use_inner_text=True)
    # Without scripts nothing is asked first: the button does what it says.
    plain.page.get_by_role("button", name="取消").first.click()
    plain.page.wait_for_load_state()
    expect(plain.page.locator("#main").first).to_contain_text("正在取消", use_inner_text=True)
    context.close()
