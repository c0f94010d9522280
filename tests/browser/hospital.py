"""Rows for the portal's pages: what a hospital sees in the middle of an afternoon."""

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.browser import conftest
from tests.integration.portal.passed import Passed, bundle_live, passed_make
from tests.stages import scripted_stages


def hospital_make(password: str) -> "conftest.Hospital":
    """An organization, its owner, two solutions with runs in many states, and answers of each kind."""
    from liaoyuan.accounts.models import Role
    from liaoyuan.accounts.services import member_add, organization_create, user_create
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.services import pipeline_start, solution_create

    organization, _ = organization_create(name=f"示范医院 {uuid.uuid4().hex[:6]}")
    email = f"owner-{uuid.uuid4().hex[:8]}@example.org"
    with scripted_stages(), tenant_context(organization.id):
        user, _ = user_create(email=email, password=password)
        member_add(user=user, role=Role.OWNER)
        runs = []
        for name in ("手卫生制度问答", "院感制度问答"):
            solution, _ = solution_create(name=name, industry="medical", scenario=_scenario())
            pipeline = pipeline_start(solution_id=solution.id)
            runs.append(list(pipeline.runs.order_by("position")))
        _working(runs[0])
        _waiting(runs[1])
        _answers(organization, user)
    return conftest.Hospital(email, organization.id, runs[0][2].id, runs[1][3].id)


def _scenario() -> str:
    from liaoyuan.industry.selectors import industry_get

    return next(iter(industry_get("medical").scenarios))


def _working(runs: list[Any]) -> None:
    now = timezone.now()
    _done(runs[0], "2 核 CPU，可训练，预计 3 分 40 秒", "2 cores, fits, about 3 min 40 s", 1.4)
    _done(runs[1], "412 条样本，去重 38 条，脱敏 6 处", "412 samples, 38 duplicates, 6 masked", 21.8)
    _set(
        runs[2],
        state="running",
        progress=0.42,
        started_at=now - timedelta(seconds=80),
        eta=now + timedelta(seconds=110),
        message_zh="第 84/200 步，损失 1.92",
        message_en="step 84/200, loss 1.92",
        attempt=1,
        fence=1,
        worker="celery@hospital",
    )
    _tell(runs[2], "started", attempt=1, fence=1, worker="celery@hospital")


def _waiting(runs: list[Any]) -> None:
    for run in runs[:2]:
        _done(run, "沿用上次结果", "reused", 0.2)
    error = {"code": "too_few_samples", "zh": "样本不足：只有 12 条，至少 60 条。", "en": "Only 12 samples; 60 needed."}
    _set(runs[2], state="failed", error=error, started_at=timezone.now(), finished_at=timezone.now())
    _tell(runs[2], "failed", error=error)
    reason = {"wait_reason_zh": "等待所有者批准上线", "wait_reason_en": "approval by an owner to go live"}
    _set(runs[3], state="waiting", wait_kind="approval", **reason)
    waits = {"wait_kind": "approval", "wait_zh": reason["wait_reason_zh"], "wait_en": reason["wait_reason_en"]}
    _tell(runs[3], "started", attempt=1, fence=1, worker="celery@hospital")
    _tell(runs[3], "waiting", **waits)


def _done(run: Any, zh: str, en: str, seconds: float) -> None:
    now = timezone.now()
    result = {"summary_zh": zh, "summary_en": en}
    _set(run, state="succeeded", result=result, started_at=now - timedelta(seconds=seconds), finished_at=now)
    _tell(run, "succeeded", result=result)


def _tell(run: Any, kind: str, **data: Any) -> None:
    from liaoyuan.pipeline.events import event_write

    event_write(run_id=run.id, organization_id=run.organization_id, kind=kind, data={"stage": run.stage} | data)


def _set(run: Any, **columns: Any) -> None:
    from liaoyuan.pipeline.models import StageRun

    StageRun.objects.filter(id=run.id).update(**columns)


def _answers(organization: Any, user: Any) -> None:
    from liaoyuan.operations.models import Trace

    citation = {
        "document": "手卫生管理规定",
        "version": "2024-03-01",
        "locator": "第三条",
        "page": 2,
        "quote": "速干手消毒剂开启后的有效期为 30 天。",
    }
    common = {"organization": organization, "user_id": user.id, "mode": "extractive", "seconds": 0.31}
    Trace.objects.create(
        question="速干手消毒剂开启后能用多久？", answer=citation["quote"], citations=[citation], **common
    )
    Trace.objects.create(
        question="食堂周三的菜单是什么？", answer="文件中没有找到依据，请咨询院感科。", abstained=True, **common
    )
    Trace.objects.create(question="<script>alert(1)</script> 怎么办？", answer="<b>被拦截</b>", blocked=True, **common)


def clinic_make(password: str) -> tuple[str, Passed]:
    """An owner who can sign in, and their solution with all six stages done."""
    from liaoyuan.accounts.tenancy import tenant_context
    from tests.conftest import _member, _organization

    organization = _organization("clinic")
    owner = _member(organization, "owner")
    owner.user.set_password(password)
    owner.user.save()
    with tenant_context(organization.id, owner.user_id):
        passed = passed_make(organization, owner)
        bundle_live(passed, 2)
    return owner.user.email, passed
