"""The first page: what needs the reader comes first, nobody reads what is not theirs, a page of many asks as often."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liaoyuan.accounts.models import Member, Role
from liaoyuan.accounts.services import invitation_create
from liaoyuan.knowledge.models import Collection, Document, DocumentVersion
from liaoyuan.operations.models import Feedback, Trace
from liaoyuan.pipeline.events import event_write
from liaoyuan.pipeline.models import Solution, StageRun
from liaoyuan.pipeline.services import pipeline_start, solution_create
from tests.integration.portal.windows import as_member, window
from tests.stages import scripted_stages

ERROR = {"code": "too_few_samples", "zh": "样本不足", "en": "Too few samples."}


@pytest.fixture(autouse=True)
def _stages() -> Iterator[None]:
    with scripted_stages():
        yield


def solution(member: Member, name: str = "问答", **columns: Any) -> list[StageRun]:
    """A started solution; ``columns`` are set on the run of the stage that ``stage`` names."""

    def make() -> list[StageRun]:
        made, _ = solution_create(name=name, industry="medical", scenario="guideline-qa")
        pipeline = pipeline_start(solution_id=made.id)
        stage = columns.pop("stage", "")
        if stage:
            pipeline.runs.filter(stage=stage).update(**columns)
        return list(pipeline.runs.order_by("position"))

    return as_member(member, make)


def kinds(member: Member) -> list[str]:
    return [need.kind for need in window(member).get("/").context["it"].needs]


def test_an_empty_organization_is_shown_its_first_steps(owner: Member, viewer: Member) -> None:
    page = window(owner).get("/")
    assert {sample.industry for sample in page.context["it"].samples} == {"medical", "energy", "education"}
    assert "Or try the sample data" in page.content.decode()
    told = window(viewer).get("/")
    assert told.context["it"].samples == ()
    assert "Your role cannot start one" in told.content.decode()


def test_what_needs_the_owner_comes_in_order(owner: Member) -> None:
    from django.utils import timezone

    solution(owner, "甲", stage="data", state="failed", error=ERROR, finished_at=timezone.now())
    solution(owner, "乙", stage="deployment", state="waiting", wait_kind="approval", wait_reason_en="approve me")
    solution(owner, "丙", stage="compute", state="waiting", wait_kind="quota", wait_reason_en="memory is reserved")
    as_member(owner, lambda: invitation_create(email="new@example.org", role=Role.VIEWER))
    as_member(owner, lambda: refused_file(owner, []))
    page = window(owner).get("/")
    assert [need.kind for need in page.context["it"].needs] == ["approval", "failure", "wait", "files", "invitation"]
    text = page.content.decode()
    for words in ("approve me", "Too few samples.", "memory is reserved", "1 file could not be read"):
        assert words in text


def refused_file(member: Member, groups: list[str]) -> None:
    key = {"organization_id": member.organization_id}
    collection = Collection.objects.create(name=f"制度 {groups}", **key)
    document = Document.objects.create(collection=collection, name="a.pdf", **key)
    DocumentVersion.objects.create(
        document=document, number=1, file_name="a.pdf", sha256="0", size=1, state="rejected", groups=groups, **key
    )


def source_in(member: Member, **columns: Any) -> Any:
    from django.utils import timezone

    from liaoyuan.knowledge.sources.models import Source

    key = {"organization_id": member.organization_id}
    collection = Collection.objects.create(name="制度", **key)
    return Source.objects.create(
        collection=collection,
        name="共享盘",
        prefix="共享盘",
        kind="folder",
        last_run_at=timezone.now(),
        **key,
        **columns,
    )


def test_a_synchronization_that_wants_a_word_and_a_rebuilt_index_need_who_may_decide(
    organization: Any, owner: Member, viewer: Member, stranger: Member
) -> None:
    from liaoyuan.knowledge.models import SearchIndex
    from tests.conftest import _member

    def make() -> Any:
        source = source_in(owner, held=7, state="confirm")
        SearchIndex.objects.create(
            collection=source.collection, number=2, state="ready", organization_id=owner.organization_id
        )
        return source

    source = as_member(owner, make)
    page = window(owner).get("/")
    assert [(need.kind, need.badge) for need in page.context["it"].needs] == [
        ("confirm", "needs-you"),
        ("index", "needs-you"),
    ]
    assert f'href="/sources/{source.id}/"' in page.content.decode()
    assert "7 documents are no longer at their source" in page.content.decode()
    assert kinds(_member(organization, "steward")) == ["confirm", "index"]
    assert kinds(_member(organization, "developer")) == ["index"]
    assert kinds(viewer) == kinds(stranger) == []
    as_member(owner, lambda: type(source).objects.update(held=0, state="active"))
    assert kinds(owner) == ["index"]


def test_the_bell_tells_a_synchronization_that_wants_a_word_once_and_says_when_it_is_over(
    organization: Any, owner: Member, viewer: Member, stranger: Member
) -> None:
    from tests.conftest import _member

    def make() -> Any:
        source = source_in(owner, held=7, state="confirm")
        for asks in (7, 0):
            run = StageRun.objects.create(
                organization_id=owner.organization_id,
                stage="sync",
                queue="ingest",
                state="succeeded",
                spec={"source_id": str(source.id), "collection_id": str(source.collection_id), "source": "共享盘"},
            )
            data = {"result": {"source_id": str(source.id), "counts": {"held": 7}, "asks": asks}}
            event_write(run_id=run.id, organization_id=owner.organization_id, kind="succeeded", data=data)
        return source

    source = as_member(owner, make)
    steward = _member(organization, "steward")
    [notice] = window(steward).get("/notifications/").context["it"].notices
    assert (notice.badge, notice.over, notice.address) == ("needs-you", False, f"/sources/{source.id}/")
    assert "共享盘" in notice.title
    for other in (viewer, stranger):
        assert list(window(other).get("/notifications/").context["it"].notices) == []
    as_member(owner, lambda: type(source).objects.update(held=0, state="active"))
    [notice] = window(steward).get("/notifications/").context["it"].notices
    assert (notice.badge, notice.over) == ("succeeded", True)


def test_a_viewer_is_asked_for_nothing(owner: Member, viewer: Member) -> None:
    from django.utils import timezone

    solution(owner, stage="data", state="failed", error=ERROR, finished_at=timezone.now())
    as_member(owner, lambda: refused_file(owner, []))
    assert kinds(viewer) == []
    page = window(viewer).get("/").content.decode()
    assert "问答" in page
    assert "Retry" not in page


def test_a_developer_hears_of_refused_files_only_of_their_groups(organization: Any, owner: Member) -> None:
    from tests.conftest import _member

    developer = _member(organization, "developer")
    as_member(owner, lambda: refused_file(owner, ["board"]))
    assert kinds(developer) == []
    as_member(owner, lambda: refused_file(owner, []))
    assert kinds(developer) == ["files"]
    assert kinds(owner) == ["files", "files"]


def test_what_was_archived_or_run_again_needs_nobody(owner: Member) -> None:
    from django.utils import timezone

    bad: dict[str, Any] = {"stage": "data", "state": "failed", "error": ERROR, "finished_at": timezone.now()}
    runs = solution(owner, "甲", **bad)
    as_member(owner, lambda: pipeline_start(solution_id=runs[0].solution_id))
    archived = solution(owner, "乙", **bad)[0].solution_id
    as_member(owner, lambda: Solution.objects.filter(id=archived).update(archived_at=timezone.now()))
    assert kinds(owner) == []


def test_the_week_is_summed_for_those_who_watch(owner: Member, viewer: Member) -> None:
    solution(owner)

    def ask() -> None:
        common = {"organization_id": owner.organization_id, "user_id": owner.user_id, "mode": "extractive"}
        trace = Trace.objects.create(
            question="问", answer="答", seconds=0.5, prompt_tokens=7, completion_tokens=3, cost=0.25, **common
        )
        Trace.objects.create(question="无", abstained=True, seconds=1.5, **common)
        Feedback.objects.create(organization_id=owner.organization_id, trace=trace, user_id=owner.user_id, helpful=True)

    as_member(owner, ask)
    usage = window(owner).get("/").context["it"].usage.usage
    assert (usage.answers, usage.abstained, usage.tokens, usage.cost, usage.helpful) == (2, 1, 10, 0.25, 1)
    assert usage.days[-1].answers == 2
    assert usage.p95_seconds > 1
    page = window(viewer).get("/")
    # A viewer sees neither the sums nor what others asked.
    assert (page.context["it"].usage, list(page.context["it"].answers)) == (None, [])


def test_an_answer_over_a_strangers_document_is_withheld(organization: Any, owner: Member) -> None:
    from tests.conftest import _member

    developer = _member(organization, "developer")
    citation = {"document_version_id": "00000000-0000-4000-8000-000000000001", "quote": "青松七号"}
    common = {"organization_id": owner.organization_id, "user_id": owner.user_id, "mode": "extractive"}
    as_member(owner, lambda: Trace.objects.create(question="密钥？", answer="青松七号", citations=[citation], **common))
    assert "青松七号" in window(owner).get("/").content.decode()
    page = window(developer).get("/").content.decode()
    assert "青松七号" not in page
    assert "密钥？" not in page


def test_many_solutions_ask_the_database_as_often_as_one(owner: Member) -> None:
    solution(owner, "a")
    client = window(owner)
    counts = []
    for names in ((), ("b", "c", "d", "e")):
        for name in names:
            solution(owner, name)
        for path in ("/", "/solutions/"):
            client.get(path)
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert max(counts) < 60


def test_the_bell_counts_and_the_list_is_read(owner: Member, stranger: Member) -> None:
    runs = solution(owner)

    def fail() -> None:
        StageRun.objects.filter(id=runs[0].id).update(state="failed", error=ERROR)
        event_write(run_id=runs[0].id, organization_id=owner.organization_id, kind="failed", data={"error": ERROR})

    as_member(owner, fail)
    client = window(owner)
    page = client.get("/notifications/")
    assert page.context["shell"]["unread"] == 1
    [notice] = page.context["it"].notices
    assert (notice.unread, notice.verb, notice.words) == (True, "retry", "Too few samples.")
    assert client.get("/notifications/list").status_code == 200
    client.post("/notifications/seen", {"upto": notice.seq})
    after = client.get("/notifications/")
    assert (after.context["shell"]["unread"], after.context["it"].notices[0].unread) == (0, False)
    assert list(window(stranger).get("/notifications/").context["it"].notices) == []
    assert client.post("/notifications/seen", {"upto": "x"}).status_code == 302
    assert client.get("/notifications/?before=1").context["it"].notices == []


def test_a_strangers_organization_is_not_chosen(owner: Member, stranger: Member) -> None:
    client = window(owner)
    assert client.post("/organization", {"organization": str(stranger.organization_id)}).status_code == 404
    assert client.post("/organization", {"organization": str(owner.organization_id)}).status_code == 302
