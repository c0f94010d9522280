"""The status page as people see it: two widths, two schemes, two languages, live, and for the keyboard and the ear."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import PASSWORD, Hospital, Visit, in_thread

pytestmark = pytest.mark.browser
LOOKS = [(1280, "zh-CN", "light"), (1280, "en-US", "dark"), (375, "zh-CN", "dark"), (375, "en-US", "light")]
WORDS = {"zh-CN": ("应用", "训模型", "第 84/200 步"), "en-US": ("Solutions", "Train model", "step 84/200")}


def serious(page: Any) -> list[str]:
    """axe's findings that keep somebody out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


def picture(visit: Visit, name: str) -> None:
    """Keep a screenshot where somebody asked for them."""
    folder = os.environ.get("LIAOYUAN_SCREENSHOTS")
    if folder:
        visit.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("width", "language", "scheme"), LOOKS)
def test_the_board_reads_well_everywhere(
    width: int, language: str, scheme: str, visit: Callable[..., Visit], hospital: Hospital
) -> None:
    window = visit(width, language, scheme)
    window.login(hospital.email)
    text = window.page.inner_text("main")
    for word in WORDS[language]:
        assert word in text
    assert window.page.locator(".stage").count() == 12
    # Nothing is wider than the window.
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width
    picture(window, f"status-{width}-{language}-{scheme}")
    assert serious(window.page) == []
    assert window.complaints == []
    assert window.outside == []


@pytest.mark.parametrize("path", ["/accounts/login/", "/invitation", "/accounts/password/reset/"])
@pytest.mark.parametrize(("width", "language", "scheme"), LOOKS[1:3])
def test_pages_for_strangers(path: str, width: int, language: str, scheme: str, visit: Callable[..., Visit]) -> None:
    window = visit(width, language, scheme)
    window.go(path)
    assert window.page.locator("main button").count() >= 1
    picture(window, f"{path.strip('/').replace('/', '-')}-{width}")
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width
    assert (serious(window.page), window.complaints, window.outside) == ([], [], [])


@pytest.mark.parametrize(
    "path", ["/accounts/password/change/", "/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/sessions/"]
)
def test_pages_of_ones_account(path: str, visit: Callable[..., Visit], hospital: Hospital) -> None:
    window = visit(375, "zh-CN", "light")
    window.login(hospital.email)
    window.go(path)
    picture(window, path.strip("/").replace("/", "-"))
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 375
    assert (serious(window.page), window.complaints, window.outside) == ([], [], [])


def test_the_api_description_is_served_by_ourselves(visit: Callable[..., Visit], hospital: Hospital) -> None:
    window = visit()
    window.login(hospital.email)
    window.go("/api/v1/docs")
    window.page.wait_for_selector(".opblock")
    assert window.outside == []


def test_an_event_moves_the_board_without_a_reload(visit: Callable[..., Visit], hospital: Hospital) -> None:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.events import event_write
    from liaoyuan.pipeline.models import StageRun

    def move() -> None:
        with tenant_context(hospital.organization_id):
            StageRun.objects.filter(id=hospital.running_id).update(progress=0.9, message_zh="第 180/200 步，损失 1.55")
            event_write(run_id=hospital.running_id, organization_id=hospital.organization_id, kind="progress")

    window = visit()
    window.login(hospital.email)
    window.page.evaluate("window.here = 1")
    in_thread(move)
    window.page.wait_for_selector("text=第 180/200 步", timeout=15_000)
    assert window.page.evaluate("window.here") == 1
    assert window.complaints == []


def test_an_owner_approves_from_the_board(visit: Callable[..., Visit], hospital: Hospital) -> None:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.models import StageRun

    states = []

    def look() -> None:
        with tenant_context(hospital.organization_id):
            states.append(StageRun.objects.get(id=hospital.approval_id).state)

    window = visit()
    window.login(hospital.email)
    window.page.get_by_role("button", name="批准").click()
    window.page.wait_for_load_state()
    in_thread(look)
    assert states == ["queued"]


def test_what_a_person_typed_is_never_markup(visit: Callable[..., Visit], hospital: Hospital) -> None:
    window = visit()
    window.login(hospital.email)
    assert "<script>alert(1)</script>" in window.page.inner_text("main")
    assert window.page.locator("main script, .answer b").count() == 0


def test_a_language_is_kept(visit: Callable[..., Visit]) -> None:
    window = visit(language="zh-CN")
    window.go("/accounts/login/")
    window.page.get_by_role("button", name="English").click()
    assert window.page.locator("h1").inner_text() == "Sign in"
    assert window.page.locator("html").get_attribute("lang") == "en"


def test_an_invitation_leads_to_a_login(visit: Callable[..., Visit], hospital: Hospital) -> None:
    from liaoyuan.accounts.models import Role
    from liaoyuan.accounts.services import invitation_create
    from liaoyuan.accounts.tenancy import tenant_context

    tokens = []
    email = f"new-{uuid.uuid4().hex[:8]}@example.org"

    def invite() -> None:
        with tenant_context(hospital.organization_id):
            tokens.append(invitation_create(email=email, role=Role.VIEWER)[1])

    in_thread(invite)
    window = visit()
    window.go(f"/invitation#{tokens[0]}")
    assert window.page.input_value("#id_token") == tokens[0]
    window.page.fill("#id_password", "12345")
    window.page.click("main button")
    assert window.page.locator(".errorlist").count() >= 1
    window.page.fill("#id_password", PASSWORD)
    window.page.click("main button")
    window.page.wait_for_url("**/accounts/login/")
    window.login(email)
    # A viewer looks, and steers nothing.
    assert window.page.locator(".stage button").count() == 0
