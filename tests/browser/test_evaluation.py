"""The evaluation's pages in a real browser: looked at, and the review done with the keyboard."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, in_thread
from tests.browser.library import Library
from tests.browser.looks import look

QUESTIONS = (
    ("用流动水和皂液洗手，揉搓时间至少多少秒？", "手卫生规范#第四条", "15 秒"),
    ("危急值登记本要保存多久？", "危急值报告制度#第十条", "3 年"),
)


@pytest.fixture(scope="module")
def measured(library: Library) -> dict[str, Any]:
    """A set that was evaluated twice, and one that waits for review."""
    return in_thread(lambda: _measure(library))


def _measure(library: Library) -> dict[str, Any]:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.questions.evaluating import evaluation_start
    from liaoyuan.knowledge.questions.models import EvaluationRow
    from liaoyuan.knowledge.questions.proposing import synthesis_start
    from liaoyuan.knowledge.questions.services import question_add, set_change, set_create
    from liaoyuan.pipeline.services import stage_run_execute

    where: Any = {"collection_id": library.collection_id}
    with tenant_context(library.organization.id, library.owner.user_id):
        home = set_create(name="验收问题", **where)
        for question, place, literal in QUESTIONS:
            question_add(set_id=home.id, question=question, evidence=[place], must_contain=[literal], **where)
        question_add(set_id=home.id, question="医院食堂的供餐时间是几点？", answerable=False, **where)
        set_change(set_id=home.id, thresholds=[{"metric": "recall@5", "at_least": 0.9}])
        run = synthesis_start(target=10, **where)
    stage_run_execute(run_id=run.id, worker="test")
    for _time in range(2):
        with tenant_context(library.organization.id, library.owner.user_id):
            evaluation = evaluation_start(set_id=home.id, **where)
        stage_run_execute(run_id=evaluation.run_id, worker="test")  # type: ignore[arg-type]
    with tenant_context(library.organization.id, library.owner.user_id):
        row = EvaluationRow.objects.filter(evaluation=evaluation).order_by("position").last()
        failed = _failed(library, **where)
        return {
            "failed": failed,
            "set": home.id,
            "made": run.spec["set"],
            "evaluation": evaluation.id,
            "row": row and row.id,
        }


def _failed(library: Library, **where: Any) -> Any:
    """A collection's only evaluation, of questions whose file has types of its own, that failed half way."""
    from liaoyuan.knowledge.questions.evaluating import evaluation_start
    from liaoyuan.knowledge.questions.services import question_add, set_create
    from liaoyuan.knowledge.rerankers import RerankerDown
    from liaoyuan.pipeline.models import RunState, StageRun

    found = set_create(name="外来题库（护理部 2026 年第三季度）", **where)
    question_add(set_id=found.id, question="手术室的温度是多少？", evidence=["手卫生规范#第四条"], **where)
    evaluation = evaluation_start(set_id=found.id, **where)
    error = RerankerDown(name="bge-reranker", url="http://10.0.0.7:8080", detail="HTTP 503")
    told = {"code": error.code, "zh": error.sentence("zh"), "en": error.sentence("en")}
    said = {"message_zh": "已评测 0/1 个问题", "message_en": "0 of 1 questions measured"}
    StageRun.objects.filter(id=evaluation.run_id).update(state=RunState.FAILED, error=told, **said)
    return evaluation.id


@pytest.fixture
def signed_in(visit: Callable[..., Visit], library: Library) -> Visit:
    window = visit(1280, "en-US")
    window.enter(library.email)
    return window


def test_the_evaluation_of_a_collection_is_looked_at(
    library: Library, measured: dict[str, Any], signed_in: Visit
) -> None:
    look(signed_in, f"/collections/{library.collection_id}/evaluation/?set={measured['set']}", "evaluation")


def test_a_result_and_a_verdict_are_looked_at(library: Library, measured: dict[str, Any], signed_in: Visit) -> None:
    two = [(1280, "zh-CN", "light"), (375, "en-US", "dark")]
    here = f"/collections/{library.collection_id}/evaluation"
    look(signed_in, f"{here}/runs/{measured['evaluation']}/?rows=all", "evaluation-result", looks=two)
    asked = "question=危急值登记本要保存多久？&expected=3 年"
    look(signed_in, f"{here}/verdict/?{asked}", "evaluation-verdict", looks=two)


def test_an_evaluation_that_failed_is_looked_at(library: Library, measured: dict[str, Any], signed_in: Visit) -> None:
    two = [(1280, "zh-CN", "light"), (375, "en-US", "dark")]
    here = f"/collections/{library.collection_id}/evaluation"
    look(signed_in, f"{here}/runs/{measured['failed']}/", "evaluation-failed", looks=two)
    signed_in.go(f"{here}/runs/{measured['failed']}/")
    expect(signed_in.page.get_by_role("button", name="Try again")).to_be_visible()


def test_an_empty_evaluation_is_looked_at(library: Library, signed_in: Visit) -> None:
    path = f"/collections/{library.empty_id}/evaluation/"
    look(signed_in, path, "evaluation-empty", looks=[(1280, "zh-CN", "light")])


def test_the_review_queue_is_worked_through_with_the_keyboard(
    library: Library, measured: dict[str, Any], signed_in: Visit
) -> None:
    path = f"/collections/{library.collection_id}/evaluation/sets/{measured['made']}/"
    look(signed_in, path, "evaluation-review", looks=[(1280, "zh-CN", "light"), (375, "en-US", "dark")])
    page = signed_in.page
    signed_in.go(path)
    items = page.locator("[data-review-item]")
    before = items.count()
    assert before >= 4
    first = items.first.get_attribute("id")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("a")
    expect(page.locator(f"#{first}")).to_have_count(0)
    expect(items.first).to_be_focused()
    page.keyboard.press("j")
    second = page.evaluate("document.activeElement.id")
    page.keyboard.press("r")
    expect(page.locator(f"#{second}")).to_have_count(0)
    expect(items).to_have_count(before - 2)
    page.keyboard.press("e")
    expect(page.locator(".eval-edit[open] textarea").first).to_be_visible()
    page.reload()
    counts = page.locator(".tabs a").all_inner_texts()
    assert [f"({before - 2})", "(1)", "(1)"] == [text[text.index("(") :] for text in counts]
