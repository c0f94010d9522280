"""The six stage pages in a real browser: how they look, that they move with the ledger, and what can be done there."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, in_thread
from tests.browser.looks import EVERY, look, problems
from tests.integration.portal.passed import Passed

pytestmark = pytest.mark.browser
STAGES = ("compute", "data", "training", "deployment", "security", "operations")


@pytest.fixture
def owner(visit: Callable[..., Visit], clinic: tuple[str, Passed]) -> Iterator[Visit]:
    found = visit()
    found.enter(clinic[0])
    yield found


def drawn(page: Any) -> None:
    """Wait for the charts, where there are some. (Playwright's own polling needs eval, which our policy forbids.)"""
    for figure in page.locator("[data-chart]").all():
        figure.locator("canvas").first.wait_for(state="attached")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_page_reads_well_everywhere(stage: str, owner: Visit, clinic: tuple[str, Passed]) -> None:
    path = f"/solutions/{clinic[1].solution_id}/{stage}/"
    query = "?operator=quality" if stage == "data" else ""
    look(owner, path + query, f"stage-{stage}", before=drawn)


def test_a_page_before_the_first_start_reads_well(owner: Visit, clinic: tuple[str, Passed]) -> None:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.services import solution_create

    passed = clinic[1]

    def make() -> Any:
        with tenant_context(passed.organization.id, passed.owner.user_id):
            return solution_create(name="新应用", industry="medical", scenario="guideline-qa")[0].id

    solution = in_thread(make)
    for stage in STAGES:
        look(owner, f"/solutions/{solution}/{stage}/", f"stage-{stage}-empty", looks=EVERY[3:])


def test_the_loss_grows_while_it_trains_and_the_page_turns_when_it_ends(
    owner: Visit, clinic: tuple[str, Passed]
) -> None:
    from django.utils import timezone

    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.events import event_write
    from liaoyuan.pipeline.models import StageRun
    from liaoyuan.pipeline.services import pipeline_start
    from tests.stages import scripted_stages

    passed = clinic[1]

    def in_tenant(work: Callable[[], Any]) -> Any:
        def run() -> Any:
            with tenant_context(passed.organization.id, passed.owner.user_id):
                return work()

        return in_thread(run)

    def start() -> Any:
        with scripted_stages():
            run = pipeline_start(solution_id=passed.solution_id).runs.get(stage="training")
        now = timezone.now()
        StageRun.objects.filter(id=run.id).update(
            state="running", progress=0.2, started_at=now, eta=now + timedelta(minutes=2), message_zh="正在训练"
        )
        return run

    def step(number: int) -> None:
        numbers = {"step": number, "loss": 2.0 / number, "tokens_per_second": 120.0, "memory_mb": 900.0}
        StageRun.objects.filter(id=run.id).update(progress=0.2 + number / 20, message_zh=f"第 {number} 步")
        data = {"numbers": numbers, "progress": 0.2 + number / 20}
        event_write(run_id=run.id, organization_id=run.organization_id, kind="progress", data=data)

    def end() -> None:
        StageRun.objects.filter(id=run.id).update(
            state="failed", error={"zh": "显存不足", "en": "out of memory"}, finished_at=timezone.now()
        )
        event_write(run_id=run.id, organization_id=run.organization_id, kind="failed", data={})

    run = in_tenant(start)
    in_tenant(lambda: step(1))
    owner.go(f"/solutions/{passed.solution_id}/training/")
    drawn(owner.page)
    owner.page.evaluate("window.here = 1")
    for number in (2, 3):
        in_tenant(lambda number=number: step(number))
    owner.page.wait_for_selector("text=第 3 步", timeout=20_000)
    owner.page.wait_for_selector("[data-number=step] .stat-value >> text=/^3/", timeout=20_000)
    assert owner.page.evaluate("window.here") == 1
    in_tenant(end)
    owner.page.wait_for_selector(".st-run.is-failed", timeout=20_000)
    owner.page.wait_for_selector("text=显存不足")
    # The steps that were made stay to be looked at.
    owner.page.wait_for_selector("#loss td >> text=0.6667", state="attached")
    assert owner.complaints == []


def test_an_operator_opens_and_samples_are_filtered_by_address(owner: Visit, clinic: tuple[str, Passed]) -> None:
    run = clinic[1].runs["data"].id
    owner.go(f"/solutions/{clinic[1].solution_id}/data/?run={run}")
    owner.page.get_by_role("link", name="质量检查").click()
    owner.page.wait_for_selector("#operator td >> text=过短")
    owner.page.select_option("#samples select[name=split]", "eval")
    owner.page.wait_for_url("**split=eval**#samples")
    owner.page.wait_for_selector(".st-sample:nth-child(2)", state="detached")
    owner.page.reload()
    expect(owner.page.locator(".st-sample")).to_have_count(1)
    assert owner.complaints == []


def test_rolling_back_asks_first(owner: Visit, clinic: tuple[str, Passed]) -> None:
    owner.go(f"/solutions/{clinic[1].solution_id}/deployment/")
    owner.page.get_by_role("button", name="回滚…").click()
    dialog = owner.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert problems(owner, 1280) == []
    owner.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    owner.page.get_by_role("button", name="回滚…").click()
    owner.page.get_by_role("dialog").get_by_role("button", name="回滚").click()
    owner.page.wait_for_selector("text=现在全部问题发往发布包 1")


def test_a_period_is_chosen_by_a_link_and_kept_in_the_address(owner: Visit, clinic: tuple[str, Passed]) -> None:
    owner.go(f"/solutions/{clinic[1].solution_id}/operations/")
    owner.page.get_by_role("link", name="90 天").click()
    owner.page.wait_for_url("**?days=90")
    drawn(owner.page)
    expect(owner.page.locator("#answers tbody tr")).to_have_count(90)
