"""Where somebody waits, the page says that no worker answers and since when, or that the messages do not go out."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.services import collection_create
from liaoyuan.knowledge.sources.models import Source
from liaoyuan.pipeline.models import Outbox, RunState, StageRun, WorkerBeat
from liaoyuan.pipeline.services import worker_beat
from tests.integration.portal.windows import as_member, window
from tests.stages import scripted_stages

QUEUE = "ingest"


@pytest.fixture
def nobody(database: str) -> Iterator[None]:
    """No sign of life of anybody, before and after."""
    WorkerBeat.objects.all().delete()
    with scripted_stages():
        yield
    WorkerBeat.objects.all().delete()


@pytest.fixture
def collection(owner: Member, nobody: None) -> Collection:
    """One file in line, and nobody who takes it."""
    with tenant_context(owner.organization_id):
        found, _ = collection_create(name="here")
    file = SimpleUploadedFile("a.md", b"# A")
    assert window(owner).post(f"/collections/{found.id}/upload", {"chosen": [file]}).status_code == 302
    return found


def shown(member: Member, address: str) -> str:
    answered = window(member).get(address)
    assert answered.status_code == 200
    return str(answered.content.decode())


def test_the_documents_say_that_no_worker_answers_and_since_when(owner: Member, collection: Collection) -> None:
    page = f"/collections/{collection.id}/"
    assert "None has ever served it here" in shown(owner, page)
    worker_beat(name="w@test", queues=[QUEUE], slots=1)
    watched = window(owner).get(page).context["shown"].watch
    assert watched.away == []
    # The page asks again by itself while something waits.
    assert 'hidden hx-get="/away?run=' in shown(owner, page)
    silent = timezone.now() - timedelta(minutes=5)
    WorkerBeat.objects.filter(name="w@test").update(at=silent)
    for address in (page, watched.address):
        assert window(owner).get(address).status_code == 200
        assert "Its last sign of life" in shown(owner, address)
    assert window(owner).get(page).context["shown"].watch.away[0].since == silent


def test_once_nothing_waits_nothing_is_said_and_nothing_asked(owner: Member, collection: Collection) -> None:
    address = window(owner).get(f"/collections/{collection.id}/").context["shown"].watch.address
    as_member(owner, lambda: StageRun.objects.update(state=RunState.SUCCEEDED))
    text = shown(owner, address)
    assert "hx-get" not in text and "worker" not in text.replace("workers-away", "")


def test_messages_that_do_not_go_out_are_told_apart_from_a_long_line(owner: Member, collection: Collection) -> None:
    worker_beat(name="w@test", queues=[QUEUE], slots=1)
    page = f"/collections/{collection.id}/"
    sentence = "messages to the workers do not go out"
    assert sentence not in shown(owner, page)
    with system_context("a doorbell that was written a while ago") as alias:
        ours = Outbox.objects.using(alias).filter(organization_id=owner.organization_id)
        ours.update(created_at=timezone.now() - timedelta(minutes=5))
    assert sentence in shown(owner, page)
    # A living relay holds it back because the queue is full: that is no fault.
    worker_beat(name="relay@test", queues=[], slots=0)
    assert sentence not in shown(owner, page)


def test_strangers_learn_nothing_of_a_run_and_odd_addresses_are_not_found(
    owner: Member, stranger: Member, collection: Collection
) -> None:
    address = window(owner).get(f"/collections/{collection.id}/").context["shown"].watch.address
    assert "served" not in shown(stranger, address)
    assert window(owner).get("/away?run=1").status_code == 404
    assert "served" not in shown(owner, "/away")


def test_an_evaluation_that_nobody_takes_says_so(owner: Member, collection: Collection) -> None:
    def waiting() -> None:
        run: Any = StageRun.objects.get()
        StageRun.objects.create(
            organization_id=owner.organization_id, stage="evaluate", queue="evaluate", state=RunState.QUEUED,
            spec={"collection_id": str(collection.id)}, requested_by=run.requested_by, idempotency_key="evaluation",
        )  # fmt: skip

    as_member(owner, waiting)
    text = shown(owner, f"/collections/{collection.id}/evaluation/")
    assert "No worker serves the queue “evaluate”" in text


def test_a_synchronization_that_nobody_takes_says_so(owner: Member, collection: Collection) -> None:
    def followed() -> Source:
        spec = {"collection_id": collection.id, "kind": "folder", "name": "shelf"}
        spec["settings"] = {"root": "/srv/shelf", "path": ""}
        made = Source.objects.create(organization_id=owner.organization_id, **spec)
        run: Any = StageRun.objects.get()
        StageRun.objects.create(
            organization_id=owner.organization_id, stage="sync", queue="sync", state=RunState.QUEUED,
            spec={"source_id": str(made.id)}, requested_by=run.requested_by, idempotency_key="synchronization",
        )  # fmt: skip
        return made

    source: Source = as_member(owner, followed)
    for address in (f"/sources/{source.id}/", f"/sources/{source.id}/live"):
        assert "No worker serves the queue “sync”" in shown(owner, address)
