"""A tenant of a hospital's size: ten thousand documents, a thousand runs with their events, people with sessions."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

DOCUMENTS = 10_000
RUNS = 1_000
RUNS_A_PASS = 6
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Seeded:
    """``cookies`` are sessions of different people (a person may keep six streams), the owner's first."""

    organization_id: UUID
    solution_id: UUID
    collection_id: UUID
    run_id: UUID
    cookies: list[str]


def seed(people: int) -> Seeded:
    """Real rows through the tenant's own context, as the application role."""
    from liaoyuan.accounts.models import Organization, Role, User
    from liaoyuan.accounts.services import member_add, organization_create
    from liaoyuan.accounts.tenancy import tenant_context

    organization: Organization = organization_create(name=f"bench {uuid4()}")[0]
    users = User.objects.bulk_create([User(email=f"{uuid4()}@example.org") for _ in range(people)])
    with tenant_context(organization.id):
        for number, user in enumerate(users):
            member_add(user=user, role=Role.OWNER if number == 0 else Role.STEWARD)
    with tenant_context(organization.id, users[0].pk):
        collection_id = _documents(organization)
        solution_id, run_id = _runs(organization, collection_id)
    cookies = [_session(user) for user in users]
    return Seeded(organization.id, solution_id, collection_id, run_id, cookies)


def _documents(organization: Any) -> UUID:
    from liaoyuan.knowledge.models import Collection, Document, DocumentVersion

    collection = Collection.objects.create(organization=organization, name="制度汇编")
    common = {"organization": organization, "number": 1, "media_type": "application/pdf", "state": "in_force"}
    for start in range(0, DOCUMENTS, ROWS_AT_ONCE):
        numbers = range(start, start + ROWS_AT_ONCE)
        made = [Document(organization=organization, collection=collection, name=f"制度{n:05}.pdf") for n in numbers]
        Document.objects.bulk_create(made)
        DocumentVersion.objects.bulk_create([
            DocumentVersion(
                document=document, file_name=document.name, title=f"第 {n} 号制度", sha256=f"{n:064x}", size=100_000,
                source_key=f"bench/{n}", pages=3 + n % 40, blocks=30, chunk_count=20,
                groups=["board"] if n % 50 == 0 else [], **common,
            )
            for n, document in zip(numbers, made, strict=True)
        ])  # fmt: skip
    return collection.id


def _runs(organization: Any, collection_id: UUID) -> tuple[UUID, UUID]:
    from django.utils import timezone

    from liaoyuan.pipeline.contract import PIPELINE_STAGES
    from liaoyuan.pipeline.models import Pipeline, Solution, StageEvent, StageRun

    now = timezone.now()
    passes = RUNS // RUNS_A_PASS + 1
    solutions = Solution.objects.bulk_create([
        Solution(
            organization=organization, name=f"应用 {n}", industry="medical", scenario="guideline_qa",
            collection_id=collection_id,
        )
        for n in range(passes // 4)
    ])  # fmt: skip
    pipelines = Pipeline.objects.bulk_create([
        Pipeline(organization=organization, solution=solutions[n % len(solutions)], number=n // len(solutions) + 1)
        for n in range(passes)
    ])  # fmt: skip
    runs = StageRun.objects.bulk_create([
        StageRun(
            organization=organization, pipeline=pipeline, solution_id=pipeline.solution_id, stage=stage, queue="light",
            position=position, state="succeeded", attempt=1, fence=1, progress=1.0, finished_at=now,
            started_at=now - timedelta(minutes=5), result={"summary_zh": "412 条样本", "summary_en": "412 samples"},
        )
        for pipeline in pipelines
        for position, stage in enumerate(PIPELINE_STAGES)
    ])  # fmt: skip
    StageEvent.objects.bulk_create([
        StageEvent(organization=organization, run=run, kind=kind, data={"progress": 0.5})
        for run in runs
        for kind in ("queued", "started", "progress", "succeeded")
    ])  # fmt: skip
    return solutions[0].id, runs[0].id


def _session(user: Any) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return f"sessionid={client.cookies['sessionid'].value}"
