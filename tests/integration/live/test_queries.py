"""A page asks the database as often for two hundred rows as for ten."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from liaoyuan.accounts.models import ApiKey, Member, Role, User
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Collection, Document, DocumentVersion
from liaoyuan.operations.models import Trace
from liaoyuan.pipeline.contract import PIPELINE_STAGES
from liaoyuan.pipeline.models import Pipeline, Solution, StageEvent, StageRun
from tests.conftest import _member, _organization

FEW, MANY = 10, 200
PAGES = (
    "/",
    "/solutions/",
    "/solutions/{solution}/",
    "/runs/{run}/",
    "/collections/",
    "/collections/{collection}/",
    "/documents/{document}/",
    "/traces/",
    "/lineage/",
    "/notifications/",
    "/organization/members/",
    "/organization/keys/",
    "/organization/audit/",
    "/chat/",
    "/api/v1/solutions",
    "/api/v1/collections",
    "/api/v1/collections/{collection}/documents",
    "/api/v1/runs",
)


@dataclass(frozen=True)
class Tenant:
    """An organization with so many rows of everything, and its owner's browser."""

    client: Client
    names: dict[str, uuid.UUID]

    def statements(self, page: str) -> list[str]:
        """Of a warm request, those of both roles."""
        path = page.format(**self.names)
        first = self.client.get(path)
        if first.status_code == 404:
            pytest.skip(f"{path} is not there in this build")
        assert first.status_code == 200, (path, first.status_code)
        # The shorter of two: what is written now and then (when somebody was last seen) falls on one of them.
        return min(self._statements(path), self._statements(path), key=len)

    def _statements(self, path: str) -> list[str]:
        with CaptureQueriesContext(connections["default"]) as ours, CaptureQueriesContext(connections["system"]) as own:
            self.client.get(path)
        return [query["sql"] for query in [*ours.captured_queries, *own.captured_queries]]


def tenant(rows: int) -> Tenant:
    organization = _organization("queries")
    owner = _member(organization, "owner")
    people = User.objects.bulk_create([User(email=f"{uuid.uuid4()}@example.org") for _ in range(rows)])
    with tenant_context(organization.id, owner.user_id):
        members = Member.objects.bulk_create([
            Member(organization=organization, user=user, role=Role.VIEWER) for user in people
        ])  # fmt: skip
        names = _documents(organization, rows) | _runs(organization, rows)
        for number, member in enumerate(members):
            key = {"name": f"key {number}", "prefix": f"p{number}", "digest": "x", "scopes": ["ask"]}
            ApiKey.objects.create(organization=organization, member=member, **key)
            audit_record(action="member.add", object_kind="member", object_id=str(member.id))
            Trace.objects.create(
                organization=organization,
                user_id=member.user_id,
                question="?",
                answer="!",
                mode="extractive",
                seconds=0.1,
            )
    client = Client()
    client.force_login(owner.user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return Tenant(client, names)


def _documents(organization: Any, rows: int) -> dict[str, uuid.UUID]:
    collections = Collection.objects.bulk_create([
        Collection(organization=organization, name=f"汇编 {n}") for n in range(rows)
    ])  # fmt: skip
    documents = Document.objects.bulk_create([
        Document(organization=organization, collection=collections[0], name=f"制度 {n}") for n in range(rows)
    ])  # fmt: skip
    DocumentVersion.objects.bulk_create([
        DocumentVersion(
            organization=organization, document=document, number=1, file_name=document.name, sha256=f"{n:064x}", size=9,
            source_key=f"x/{n}", state="in_force", pages=1,
        )
        for n, document in enumerate(documents)
    ])  # fmt: skip
    return {"collection": collections[0].id, "document": documents[0].id}


def _runs(organization: Any, rows: int) -> dict[str, uuid.UUID]:
    now = timezone.now()
    solutions = Solution.objects.bulk_create([
        Solution(organization=organization, name=f"应用 {n}", industry="medical", scenario="guideline_qa")
        for n in range(rows)
    ])  # fmt: skip
    pipelines = Pipeline.objects.bulk_create([
        Pipeline(organization=organization, solution=solution, number=1) for solution in solutions
    ])  # fmt: skip
    runs = StageRun.objects.bulk_create([
        StageRun(
            organization=organization, pipeline=pipeline, solution_id=pipeline.solution_id, stage=stage, queue="light",
            position=position, state="failed" if position == 2 else "succeeded", started_at=now, finished_at=now,
            error={"code": "x", "zh": "错", "en": "wrong"} if position == 2 else {},
        )
        for pipeline in pipelines
        for position, stage in enumerate(PIPELINE_STAGES)
    ])  # fmt: skip
    StageEvent.objects.bulk_create([
        StageEvent(organization=organization, run=run, kind=kind, data={})
        for run in runs
        for kind in ("queued", run.state)
    ])  # fmt: skip
    return {"solution": solutions[0].id, "run": runs[0].id}


@pytest.fixture(scope="module")
def few(database: str) -> Tenant:
    return tenant(FEW)


@pytest.fixture(scope="module")
def many(database: str) -> Tenant:
    return tenant(MANY)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_as_often_for_many_rows_as_for_few(page: str, few: Tenant, many: Tenant) -> None:
    asked, once = many.statements(page), few.statements(page)
    # A second page of a list may need one statement more to know of it.
    assert len(asked) <= len(once) + 1, "\n".join(asked)
