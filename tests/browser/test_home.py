"""The first page and the bell: read well everywhere, follow what happens, and take what people typed for text."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Hospital, Visit, in_thread
from tests.browser.looks import look

pytestmark = pytest.mark.browser


@pytest.fixture
def window(visit: Callable[..., Visit], hospital: Hospital) -> Visit:
    found = visit()
    found.enter(hospital.email)
    return found


@pytest.mark.parametrize(("path", "name"), [("/", "home"), ("/notifications/", "notifications")])
def test_the_page_reads_well_everywhere(path: str, name: str, window: Visit) -> None:
    look(window, path, name)


def test_an_empty_organization_is_led_to_its_first_solution(visit: Callable[..., Visit]) -> None:
    email = in_thread(_empty_organization)
    window = visit()
    window.login(email)
    look(window, "/", "home-empty")
    look(window, "/solutions/", "solutions-empty")
    look(window, "/notifications/", "notifications-empty")


def _empty_organization() -> str:
    from liaoyuan.accounts.models import Role
    from liaoyuan.accounts.services import member_add, organization_create, user_create
    from liaoyuan.accounts.tenancy import tenant_context

    organization, _ = organization_create(name=f"新医院 {uuid.uuid4().hex[:6]}")
    email = f"new-{uuid.uuid4().hex[:8]}@example.org"
    with tenant_context(organization.id):
        user, _ = user_create(email=email, password=PASSWORD)
        member_add(user=user, role=Role.OWNER)
    return email


def test_an_event_moves_the_list_without_a_reload(window: Visit, hospital: Hospital) -> None:
    window.go("/")
    window.page.evaluate("window.here = 1")
    in_thread(lambda: move(hospital, 0.9, "第 180/200 步，损失 1.55"))
    window.page.wait_for_selector("text=第 180/200 步", timeout=20_000)
    assert window.page.evaluate("window.here") == 1
    assert window.complaints == []


def move(hospital: Hospital, progress: float, message: str) -> None:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.events import event_write
    from liaoyuan.pipeline.models import StageRun

    with tenant_context(hospital.organization_id):
        StageRun.objects.filter(id=hospital.running_id).update(progress=progress, message_zh=message)
        event_write(run_id=hospital.running_id, organization_id=hospital.organization_id, kind="progress")


def test_what_a_person_typed_is_never_markup(window: Visit) -> None:
    window.go("/")
    expect(window.page.locator("#main").first).to_contain_text("<script>alert(1)</script>", use_inner_text=True)
    expect(window.page.locator(".recent script, .recent b")).to_have_count(0)


def test_a_language_is_kept(window: Visit) -> None:
    def named(language: str) -> Any:
        return window.page.locator("html").get_attribute("lang") == language

    window.page.context.add_cookies([{"name": "django_language", "value": "en", "url": window.url}])
    window.go("/")
    assert named("en")
    expect(window.page.locator("#main").first).to_contain_text("Needs you", use_inner_text=True)
