"""The operator's console as it is seen: every page in every look, live parts, the way from a wait to its job."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Hospital, Visit, in_thread
from tests.browser.looks import look

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class House:
    """An operator, and a platform with something to see on each page."""

    email: str
    organization_id: uuid.UUID
    waiting_id: uuid.UUID
    failed_id: uuid.UUID


@pytest.fixture(scope="session")
def house(hospital: Hospital) -> House:
    return in_thread(lambda: house_make(hospital))


def house_make(hospital: Hospital) -> House:
    from django.utils import timezone

    from liaoyuan.accounts.models import User
    from liaoyuan.accounts.services import organization_create
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.console.services import chain_check, organization_suspend, pack_examine
    from liaoyuan.pipeline.models import StageRun
    from liaoyuan.pipeline.services import stage_run_start, worker_beat
    from tests.stages import scripted_stages

    email = f"operator-{uuid.uuid4().hex[:8]}@example.org"
    operator = User.objects.create_user(email, PASSWORD, name="值班运维", is_staff=True)
    closed, _ = organization_create(name=f"城东供电所 {uuid.uuid4().hex[:6]}")
    with scripted_stages(), tenant_context(closed.id):
        stage_run_start(stage="evaluate")
    with scripted_stages(), tenant_context(hospital.organization_id):
        waiting = stage_run_start(stage="training")
        failed = stage_run_start(stage="ingest")
        error = {"code": "worker_lost", "zh": "执行进程中断", "en": "Its process was lost", "retryable": True}
        ended = {"state": "dead", "attempt": 3, "finished_at": timezone.now() - timedelta(minutes=7), "error": error}
        StageRun.objects.filter(id=failed.id).update(**ended)
    organization_suspend(operator=operator.id, organization_id=closed.id, reason="合同到期")
    worker_beat(name="worker-light@node-1", queues=["light", "ingest", "evaluate", "serve"], slots=2)
    worker_beat(name="relay@node-1", queues=[], slots=0)
    worker_beat(name="canary", queues=[], slots=0)
    pack_examine(operator=operator.id, name="medical", with_questions=False)
    chain_check(operator=operator.id, organization_id=hospital.organization_id)
    return House(email, hospital.organization_id, waiting.id, failed.id)


PAGES = {
    "overview": "/console/",
    "workers": "/console/workers/",
    "jobs": "/console/jobs/",
    "job-waiting": "/console/jobs/{waiting_id}/",
    "job-dead": "/console/jobs/{failed_id}/",
    "organizations": "/console/organizations/",
    "organization": "/console/organizations/{organization_id}/",
    "organization-new": "/console/organizations/new",
    "packs": "/console/packs/",
    "models": "/console/models/",
    "settings": "/console/settings/",
    "audit": "/console/audit/",
    "support": "/console/support/",
}


def signed_in(seen: Visit, house: House) -> None:
    """An operator without an organization lands on the console."""
    seen.login(house.email)
    seen.page.wait_for_url("**/console/")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_the_console_is_fit_to_be_seen(name: str, visit: Callable[..., Visit], house: House) -> None:
    path = PAGES[name].format(
        waiting_id=house.waiting_id, failed_id=house.failed_id, organization_id=house.organization_id
    )
    look(visit, path, f"console-{name}", email=house.email)


def test_an_operator_finds_why_something_waits_and_ends_the_wait(visit: Callable[..., Visit], house: House) -> None:
    seen = visit(language="en-US")
    signed_in(seen, house)
    seen.go("/console/")
    page = seen.page
    row = page.locator("tr", has_text="No worker serves the queue").first
    row.get_by_role("link").click()
    page.wait_for_url("**/console/jobs/?state=queued")
    page.get_by_role("link", name="train model").first.click()
    page.get_by_role("heading", level=1, name="train model").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.locator("#confirm").get_by_role("button").last.click()
    page.get_by_text("Done: the job is now").wait_for()
    expect(page.locator("#console-job .state").first).to_have_text("cancelled", use_inner_text=True)
    assert seen.complaints == []


def test_the_overview_keeps_itself_fresh_without_a_reload(visit: Callable[..., Visit], house: House) -> None:
    seen = visit(language="en-US")
    signed_in(seen, house)
    seen.go("/console/")
    page = seen.page
    page.evaluate("document.getElementById('console-overview').dataset.marker = 'old'")
    # Not wait_for_function: it evaluates a string in the page, which our policy forbids there.
    for _ in range(60):
        if not page.evaluate("document.getElementById('console-overview').dataset.marker || ''"):
            break
        page.wait_for_timeout(250)
    expect(page.locator("#console-overview:not([data-marker])")).to_have_count(1)
    assert seen.complaints == []


def test_the_bundle_is_a_download(visit: Callable[..., Visit], house: House) -> None:
    seen = visit(language="en-US")
    seen.login(house.email)
    seen.go("/console/support/")
    with seen.page.expect_download(timeout=60_000) as waiting:
        seen.page.get_by_role("button", name="Download").click()
    assert waiting.value.suggested_filename.endswith(".zip")


def test_an_owner_finds_no_console(visit: Callable[..., Visit], hospital: Hospital) -> None:
    seen = visit(language="en-US")
    seen.login(hospital.email)
    answer: Any = seen.page.goto(seen.url + "/console/")
    assert answer.status == 404
