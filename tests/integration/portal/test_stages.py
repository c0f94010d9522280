"""The six stage pages: what each shows of its run, to whom, before it ran, and how often it asks the database."""

import csv
import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from liaoyuan.accounts.models import AuditEvent, Member
from liaoyuan.deployment.models import Deployment
from liaoyuan.pipeline.events import event_write
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import pipeline_start, solution_create
from liaoyuan.portal.stages.export import cell
from liaoyuan.portal.stages.intervals import wilson
from liaoyuan.portal.stages.selectors.compute import advice_sentences
from tests.conftest import _member
from tests.integration.portal.passed import HIDDEN, Passed, answer, bundle_live, passed_make
from tests.integration.portal.windows import as_member, inert, window
from tests.stages import scripted_stages

STAGES = ("compute", "data", "training", "deployment", "security", "operations")
MAY = {
    "owner": set(STAGES),
    "steward": set(STAGES),
    "developer": set(STAGES),
    "auditor": set(STAGES),
    "viewer": set(STAGES) - {"security", "operations"},
    "annotator": set(STAGES) - {"security", "operations"},
}


@pytest.fixture
def passed(owner: Member) -> Passed:
    return as_member(owner, lambda: passed_make(owner.organization, owner))


def address(passed: Passed, stage: str, more: str = "") -> str:
    return f"/solutions/{passed.solution_id}/{stage}/{more}"


def shown(member: Member, passed: Passed, stage: str, query: str = "") -> Any:
    answered = window(member).get(address(passed, stage, query))
    assert answered.status_code == 200
    return answered.context["page"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_shows_its_result_first(stage: str, owner: Member, passed: Passed) -> None:
    answered = window(owner).get(address(passed, stage))
    frame = answered.context["frame"]
    assert frame.run.id == passed.runs[stage].id
    assert [tab.stage for tab in frame.tabs] == list(STAGES)
    assert [tab.current for tab in frame.tabs].index(True) == STAGES.index(stage)
    assert str(passed.runs[stage].result["summary_en"]) in answered.content.decode()


@pytest.mark.parametrize("stage", STAGES)
def test_before_the_first_start_a_page_says_what_will_be_there(stage: str, owner: Member) -> None:
    solution = as_member(owner, lambda: solution_create(name="新", industry="medical", scenario="guideline-qa")[0])
    answered = window(owner).get(f"/solutions/{solution.id}/{stage}/")
    assert answered.status_code == 200
    assert 'class="empty"' in answered.content.decode()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stranger_gets_the_same_page_for_foreign_and_for_missing(
    stage: str, stranger: Member, passed: Passed
) -> None:
    foreign = window(stranger).get(address(passed, stage))
    missing = window(stranger).get(f"/solutions/{uuid4()}/{stage}/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert inert(foreign) == inert(missing)


@pytest.mark.parametrize("role", MAY)
def test_each_role_sees_the_stages_that_the_policy_gives_it(role: str, passed: Passed) -> None:
    member = _member(passed.organization, role)
    codes = {stage: window(member).get(address(passed, stage)).status_code for stage in STAGES}
    assert codes == {stage: 200 if stage in MAY[role] else 403 for stage in STAGES}
    tabs = window(member).get(address(passed, "compute")).context["frame"].tabs
    assert {tab.stage for tab in tabs if tab.address} == MAY[role]


def test_another_stage_has_no_page(owner: Member, passed: Passed) -> None:
    assert window(owner).get(f"/solutions/{passed.solution_id}/ingest/").status_code == 404


def test_an_earlier_run_can_be_chosen(owner: Member, passed: Passed) -> None:
    def again() -> StageRun:
        with scripted_stages():
            return pipeline_start(solution_id=passed.solution_id).runs.get(stage="data")

    newer = as_member(owner, again)
    frame = window(owner).get(address(passed, "data")).context["frame"]
    assert (frame.run.id, len(frame.choices), frame.newest) == (newer.id, 2, True)
    earlier = window(owner).get(address(passed, "data", f"?run={passed.runs['data'].id}"))
    assert earlier.context["page"].version.number == 1
    assert not earlier.context["frame"].newest
    assert window(owner).get(address(passed, "data", f"?run={passed.runs['compute'].id}")).status_code == 404
    assert window(owner).get(address(passed, "data", "?run=nonsense")).status_code == 404


def test_who_may_steer_sees_the_buttons(owner: Member, viewer: Member, passed: Passed) -> None:
    def wait() -> None:
        StageRun.objects.filter(id=passed.runs["deployment"].id).update(state="waiting", wait_kind="approval")

    as_member(owner, wait)
    assert set(window(owner).get(address(passed, "deployment")).context["frame"].run.verbs) == {"approve", "cancel"}
    frame = window(viewer).get(address(passed, "deployment")).context["frame"]
    assert (list(frame.run.verbs), frame.run.state) == ([], "needs-you")


def test_the_live_part_tells_its_state_so_that_the_page_can_follow(owner: Member, passed: Passed) -> None:
    client, head = window(owner), address(passed, "data", "head")
    assert 'data-state="succeeded"' in client.get(head).content.decode()
    as_member(owner, lambda: StageRun.objects.filter(id=passed.runs["data"].id).update(state="running"))
    assert 'data-state="running"' in client.get(head).content.decode()


def test_compute_tells_fit_price_and_reservation(owner: Member, passed: Passed) -> None:
    page = shown(owner, passed, "compute")
    assert page.plan.fits
    assert page.held
    assert page.price is not None
    assert [estimate.runs for estimate in page.estimates] == [0, 1, 2, 3, 4, 5]
    assert sum(series["data"][0] for series in page.chart["series"]) == sum(part.size for part in page.parts)


def test_what_does_not_fit_says_what_would(owner: Member, passed: Passed) -> None:
    error = {
        "code": "does_not_fit",
        "en": "too small",
        "zh": "不足",
        "params": {"advice": "weights=bf16, memory+=512MiB"},
    }

    def fail() -> None:
        StageRun.objects.filter(id=passed.runs["compute"].id).update(state="failed", error=error, result={})

    as_member(owner, fail)
    text = window(owner).get(address(passed, "compute")).content.decode()
    assert "half precision" in text
    assert "512 MiB" in text
    assert advice_sentences(["something=new"]) == ["something=new"]


def test_data_tells_what_became_of_each_item(owner: Member, passed: Passed) -> None:
    page = shown(owner, passed, "data", "?operator=quality")
    assert [(step.name, step.dropped) for step in page.steps] == [("quality", 2), ("mask_pii", 0)]
    assert [item.text for item in page.opened.drops] == ["短", "密"]
    assert [(item.before, item.text) for item in page.opened.changes] == [("３０ 天", "30 天")]
    assert page.opened.drops[0].address.endswith("block=1")
    assert [(str(kind), n) for kind, n in page.masked] == [("phone numbers", 6)]
    assert page.withheld == 0


def test_samples_are_filtered(owner: Member, passed: Passed) -> None:
    def questions(query: str) -> list[str]:
        return [sample.row["question"] for sample in shown(owner, passed, "data", query).samples]

    assert len(questions("")) == 4
    assert questions("?split=eval") == ["=HYPERLINK(1)"]
    assert questions("?q=密钥 代号") == ["密钥代号是什么？"]
    assert questions(f"?document={next(iter(passed.versions.values()))}&split=train") == [
        "速干手消毒剂开启后能用多久？"
    ]
    assert questions("?split=nonsense") == []


def test_samples_of_documents_that_one_may_not_read_are_counted_but_not_shown(viewer: Member, passed: Passed) -> None:
    answered = window(viewer).get(address(passed, "data", "?operator=quality"))
    page = answered.context["page"]
    assert HIDDEN not in answered.content.decode()
    assert (page.withheld, len(page.samples), page.opened.withheld) == (1, 3, 1)
    assert HIDDEN not in window(viewer).get(f"/solutions/{passed.solution_id}/data/download").content.decode()


def test_a_download_respects_rights_defuses_formulas_and_is_audited(owner: Member, passed: Passed) -> None:
    download = f"/solutions/{passed.solution_id}/data/download"
    rows = [json.loads(line) for line in window(owner).get(download).content.decode().splitlines()]
    assert len(rows) == 4
    table = window(owner).get(f"{download}?format=csv&split=eval")
    assert table.headers["Content-Disposition"] == 'attachment; filename="dataset-1.csv"'
    line = next(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert (line["question"], line["answer"]) == ("'=HYPERLINK(1)", "'+1")
    audited = as_member(owner, lambda: AuditEvent.objects.filter(action="dataset.download").count())
    assert audited == 2


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"])
def test_a_cell_never_calculates(text: str) -> None:
    assert cell(text).startswith("'")
    assert (cell("plain"), cell(-3), cell(0.5), cell(None)) == ("plain", -3, 0.5, None)


def test_training_keeps_its_curve_and_compares(owner: Member, passed: Passed) -> None:
    page = shown(owner, passed, "training")
    assert [point["step"] for point in page.curve] == list(range(1, 9))
    assert page.done.recipe["seed"] == 7
    assert page.live == ""
    assert [row.better for row in page.rows] == [None] * 5


def test_a_running_training_tells_its_steps(owner: Member, passed: Passed) -> None:
    run = passed.runs["training"]

    def step(number: int, loss: float) -> None:
        numbers = {"step": number, "loss": loss, "tokens_per_second": 120.0, "memory_mb": 900.0}
        event_write(run_id=run.id, organization_id=run.organization_id, kind="progress", data={"numbers": numbers})

    def work() -> None:
        StageRun.objects.filter(id=run.id).update(state="running", result={}, finished_at=None)
        for number, loss in ((1, 2.0), (2, 1.5), (2, 1.4), (3, 1.2)):
            step(number, loss)

    as_member(owner, work)
    page = shown(owner, passed, "training")
    assert [(point["step"], point["loss"]) for point in page.curve] == [(1, 2.0), (2, 1.4), (3, 1.2)]
    assert page.done is None
    points = window(owner).get(f"/solutions/{passed.solution_id}/training/curve.json?run={run.id}&after=2").json()
    assert [point["step"] for point in points["points"]] == [3]


def test_gates_tell_how_sure_they_are_and_which_questions_failed(owner: Member, passed: Passed) -> None:
    page = shown(owner, passed, "deployment")
    found = page.gates[0]
    assert (found.questions, [row["id"] for row in found.failing]) == (10, ["q9"])
    assert found.low < 0.9 < found.high
    assert page.approver == passed.owner.user.email
    assert page.approval["note"] == "同意上线"
    assert page.route is not None


def test_a_failed_examination_shows_its_questions(owner: Member, passed: Passed) -> None:
    from tests.integration.portal.passed import report_rows

    def fail() -> None:
        StageRun.objects.filter(id=passed.runs["deployment"].id).update(
            state="failed", result={}, checkpoint={"failed_report": report_rows() | {"passed": False}}
        )

    as_member(owner, fail)
    assert [row["id"] for row in shown(owner, passed, "deployment").gates[0].failing] == ["q9"]


def test_questions_that_quote_what_one_may_not_read_are_withheld(viewer: Member, passed: Passed) -> None:
    page = shown(viewer, passed, "deployment")
    assert page.withheld
    assert page.gates[0].failing == []


def test_an_interval_narrows_with_more_questions() -> None:
    few, many = wilson(0.9, 10), wilson(0.9, 1000)
    assert few is not None
    assert many is not None
    assert few[0] < many[0] < 0.9 < many[1] < few[1]
    assert wilson(1.0, 0) is None


def test_an_owner_rolls_back_and_others_may_not(
    owner: Member, viewer: Member, stranger: Member, passed: Passed
) -> None:
    as_member(owner, lambda: bundle_live(passed, 2))
    first = str(passed.made["deployment"])
    path = f"/solutions/{passed.solution_id}/deployment/rollback"
    assert [live.may_return for live in shown(owner, passed, "deployment").history] == [False, True]
    window(viewer).post(path, {"deployment": first})
    assert window(stranger).post(path, {"deployment": first}).status_code == 404
    assert window(owner).post(path, {"deployment": str(uuid4())}).status_code == 404
    live = as_member(
        owner, lambda: list(Deployment.objects.filter(state="live").values_list("bundle__number", flat=True))
    )
    assert live == [2]
    window(owner).post(path, {"deployment": first})
    live = as_member(
        owner, lambda: list(Deployment.objects.filter(state="live").values_list("bundle__number", flat=True))
    )
    assert live == [1]


def test_security_links_controls_to_their_evidence(owner: Member, passed: Passed) -> None:
    page = shown(owner, passed, "security")
    assert [control.row.control for control in page.controls] == ["MED-03"]
    assert ("missed", "A001") in [(fact.name, fact.value) for fact in page.controls[0].evidence]
    assert sum(len(attack.missed) for attack in page.attacks) == 1
    assert sum(attack.tried for attack in page.attacks) == 74
    assert [row.outcome for row in page.stopped] == ["blocked"]


def test_operations_sum_the_period(owner: Member, passed: Passed) -> None:
    page = shown(owner, passed, "operations")
    total = page.total
    assert (total.answers, total.answered, total.abstained, total.blocked) == (4, 2, 1, 1)
    assert (total.helpful, total.unhelpful, len(page.days)) == (0, 1, 7)
    assert [(str(reason), count) for reason, count in page.reasons] == [("out of date", 1)]
    assert [each.bundle.number for each in page.bundles] == [1]
    assert [period.days for period in page.periods if period.current] == [7]
    assert shown(owner, passed, "operations", "?days=999").days[-1].answers == 4


def test_operations_are_exported_day_by_day(owner: Member, passed: Passed) -> None:
    table = window(owner).get(f"/solutions/{passed.solution_id}/operations/export.csv?days=30")
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert len(rows) == 30
    assert (rows[-1]["day"], rows[-1]["answers"]) == (timezone.localdate().isoformat(), "4")


@pytest.mark.parametrize("stage", STAGES)
def test_a_page_asks_no_more_of_the_database_when_there_is_more(stage: str, owner: Member, passed: Passed) -> None:
    client = window(owner)

    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address(passed, stage)).status_code == 200
        return len(asked)

    def more() -> None:
        for number in range(5):
            answer(passed, f"more {number}")
            bundle_live(passed, number + 2)

    client.get(address(passed, stage))
    before = questions()
    as_member(owner, more)
    assert questions() <= before + 1
    assert before <= 32
