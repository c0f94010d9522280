"""From an industry to a running pass, as an owner meets it; and everybody and everything that comes between."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from liaoyuan.accounts.models import Member
from liaoyuan.knowledge.models import Collection, Upload
from liaoyuan.pipeline.models import Pipeline, Solution, SolutionDraft, StageRun
from tests.integration.portal.windows import as_member, draft_id, inert, window
from tests.stages import scripted_stages

SCENARIO = "guideline-qa"
STEPS = ("", "industry", "scenario", "documents", "plan", "plan/documents", "uploads")


@pytest.fixture(autouse=True)
def _stages() -> Iterator[None]:
    with scripted_stages():
        yield


def begin(client: Client, called: str = "手卫生问答", *, upto: str = "plan", **documents: Any) -> UUID:
    """A draft taken so far that ``upto`` is its next step."""
    draft = draft_id(client.post("/solutions/new", {"industry": "medical"}))
    if upto == "scenario":
        return draft
    answer = client.post(f"/solutions/new/{draft}/scenario", {"scenario": SCENARIO, "name": called})
    assert answer["Location"].endswith("/documents"), answer.content.decode()
    if upto == "documents":
        return draft
    answer = client.post(f"/solutions/new/{draft}/documents", documents or {"source": "sample"})
    assert answer.status_code == 302, answer.content.decode()
    return draft


def version_of(client: Client, draft: UUID) -> str:
    return str(client.get(f"/solutions/new/{draft}/plan").context["draft"].version)


def start(client: Client, draft: UUID, version: str = "") -> Any:
    version = version or version_of(client, draft)
    return client.post(f"/solutions/new/{draft}/start", {"version": version})


def send(client: Client, draft: UUID, name: str, data: bytes, *, size: int | None = None) -> Any:
    """Open a file and send ``data`` as its first part."""
    opened = client.post(f"/solutions/new/{draft}/uploads", {"name": name, "size": size or len(data), "modified": 1})
    assert opened.status_code == 200, opened.content
    path = f"/solutions/new/{draft}/uploads/{opened.json()['id']}?offset=0"
    return client.post(path, data, content_type="application/octet-stream")


def test_the_samples_lead_to_a_running_pass(owner: Member) -> None:
    client = window(owner)
    draft = begin(client)
    page = client.get(f"/solutions/new/{draft}/plan")
    plan = page.context["plan"]
    assert [stage.position for stage in plan.stages] == [1, 2, 3, 4, 5, 6]
    assert (plan.seconds > 0, plan.needed_bytes > 0, plan.documents.files > 10) == (True, True, True)
    assert [stage.waits_for_approval for stage in plan.stages].index(True) == 3
    assert owner.user.email in page.content.decode()
    answer = start(client, draft)
    solution = as_member(owner, lambda: Solution.objects.get(name="手卫生问答"))
    assert answer["Location"] == f"/solutions/{solution.id}/"
    runs = as_member(owner, lambda: list(StageRun.objects.filter(solution=solution).order_by("position")))
    # The documents come first: their import is queued, and the first stage waits for it.
    assert (len(runs), runs[0].state, runs[0].wait_kind) == (6, "waiting", "dependency")
    assert client.get(answer["Location"]).context["it"].imports[0].state == "queued"


def test_a_double_click_on_start_is_one_pass(owner: Member) -> None:
    client = window(owner)
    draft = begin(client)
    version = version_of(client, draft)
    first, second = start(client, draft, version), start(client, draft, version)
    assert first["Location"] == second["Location"]
    assert as_member(owner, lambda: (Solution.objects.count(), Pipeline.objects.count())) == (1, 1)


@pytest.mark.parametrize("step", STEPS[:6])
def test_the_back_button_after_the_start_leads_to_the_board(owner: Member, step: str) -> None:
    client = window(owner)
    draft = begin(client)
    board = start(client, draft)["Location"]
    assert client.get(f"/solutions/new/{draft}/{step}")["Location"] == board


def test_an_old_form_after_the_start_changes_nothing(owner: Member) -> None:
    client = window(owner)
    draft = begin(client)
    board = start(client, draft)["Location"]
    answer = client.post(f"/solutions/new/{draft}/scenario", {"scenario": SCENARIO, "name": "anders"})
    assert answer["Location"] == board
    opened = client.post(f"/solutions/new/{draft}/uploads", {"name": "a.txt", "size": 1})
    assert (opened.status_code, opened.json()["code"]) == (409, "draft_started")


def test_nobody_starts_what_another_window_changed(owner: Member) -> None:
    client = window(owner)
    draft = begin(client)
    seen = version_of(client, draft)
    client.post(f"/solutions/new/{draft}/scenario", {"scenario": SCENARIO, "name": "另一个名称"})
    answer = client.post(
        f"/solutions/new/{draft}/start",
        {"version": seen},
        headers={"Referer": f"http://testserver/solutions/new/{draft}/plan"},
    )
    assert answer["Location"] == f"/solutions/new/{draft}/plan"
    page = client.get(answer["Location"]).content.decode()
    assert "another window" in page
    assert "另一个名称" in page
    assert as_member(owner, Solution.objects.count) == 0


def test_a_reload_and_another_browser_find_the_draft(owner: Member) -> None:
    draft = begin(window(owner), upto="documents")
    other = window(owner)
    assert other.get(f"/solutions/new/{draft}/")["Location"].endswith("/documents")
    assert str(draft) in other.get("/solutions/new").content.decode()
    # A later step that is not ready leads to the one that is.
    assert other.get(f"/solutions/new/{draft}/plan")["Location"].endswith("/documents")


@pytest.mark.parametrize("step", STEPS)
def test_a_stranger_meets_the_same_nothing_at_each_step(owner: Member, stranger: Member, step: str) -> None:
    draft = begin(window(owner))
    client = window(stranger)
    foreign, missing = (client.get(f"/solutions/new/{each}/{step}") for each in (draft, uuid4()))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert inert(foreign) == inert(missing)


@pytest.mark.parametrize("verb", ["start", "discard", "uploads", "scenario", "documents", "industry"])
def test_a_stranger_changes_nothing(owner: Member, stranger: Member, verb: str) -> None:
    draft = begin(window(owner))
    form = {"industry": "energy", "version": "9", "name": "a", "size": "1", "scenario": SCENARIO, "source": "sample"}
    assert window(stranger).post(f"/solutions/new/{draft}/{verb}", form).status_code == 404
    found = as_member(owner, lambda: SolutionDraft.objects.get(id=draft))
    assert (found.industry, found.pipeline_id) == ("medical", None)


@pytest.mark.parametrize("step", STEPS)
def test_a_viewer_is_told_that_the_role_does_not_allow_it(owner: Member, viewer: Member, step: str) -> None:
    draft = begin(window(owner))
    answer = window(viewer).get(f"/solutions/new/{draft}/{step}")
    assert answer.status_code == 403
    assert window(viewer).get("/solutions/new").status_code == 403


def test_a_colleague_does_not_see_the_draft(organization: Any, owner: Member) -> None:
    from tests.conftest import _member

    draft = begin(window(owner))
    assert window(_member(organization, "developer")).get(f"/solutions/new/{draft}/plan").status_code == 404


def test_a_name_is_cleaned_shown_escaped_and_not_taken_twice(owner: Member) -> None:
    client = window(owner)
    name = "\u202eevil\u200b <img src=x onerror=alert(1)> 医院"
    draft = begin(client, name)
    page = client.get(f"/solutions/new/{draft}/plan").content.decode()
    assert "evil &lt;img src=x onerror=alert(1)&gt; 医院" in page
    assert not {"\u202e", "\u200b", "<img"} & set(page.split('"'))
    start(client, draft)
    again = draft_id(client.post("/solutions/new", {"industry": "medical"}))
    answer = client.post(f"/solutions/new/{again}/scenario", {"scenario": SCENARIO, "name": name})
    assert answer.status_code == 422
    assert "Choose another name" in answer.content.decode()


@pytest.mark.parametrize("name", ["", "\u200b\u202e", "x" * 121])
def test_a_name_that_is_none_is_asked_for_again(owner: Member, name: str) -> None:
    client = window(owner)
    draft = begin(client, upto="scenario")
    answer = client.post(f"/solutions/new/{draft}/scenario", {"scenario": SCENARIO, "name": name})
    assert answer.status_code == 422


def test_an_unknown_industry_or_scenario_is_refused(owner: Member) -> None:
    client = window(owner)
    assert client.post("/solutions/new", {"industry": "../etc"}).status_code in {302, 404}
    draft = begin(client, upto="scenario")
    answer = client.post(f"/solutions/new/{draft}/scenario", {"scenario": "nope", "name": "a"})
    assert answer.status_code == 422
    assert as_member(owner, lambda: SolutionDraft.objects.get(id=draft)).scenario == ""


# Documents


def test_files_of_the_plain_form_are_imported(owner: Member) -> None:
    client = window(owner)
    files = [SimpleUploadedFile(f"{n}.txt", "第一条 手卫生。".encode()) for n in ("a", "b")]
    draft = begin(client, source="upload", name="制度", documents=files)
    found = as_member(owner, lambda: SolutionDraft.objects.get(id=draft))
    run = as_member(owner, lambda: StageRun.objects.get(id=found.imports[0]))
    assert (run.stage, run.spec["collection"]) == ("ingest", "制度")
    start(client, draft)
    first = as_member(owner, lambda: StageRun.objects.get(stage="compute"))
    assert first.spec["after"] == [str(run.id)]


def test_a_file_in_parts_goes_on_after_a_lost_connection(owner: Member) -> None:
    client = window(owner)
    draft = begin(client, upto="documents")
    data = bytes(range(256)) * 400
    cut = int(len(data) * 0.99)
    assert send(client, draft, "a.txt", data[:cut], size=len(data)).json()["received"] == cut
    # Another window, after a reload: the same file goes on, and an incomplete one holds the step back.
    client = window(owner)
    refused = client.post(f"/solutions/new/{draft}/documents", {"source": "upload", "name": "制度"})
    assert (refused.status_code, "not arrived whole" in refused.content.decode()) == (422, True)
    row = client.post(f"/solutions/new/{draft}/uploads", {"name": "a.txt", "size": len(data), "modified": 1}).json()
    assert row["received"] == cut
    path = f"/solutions/new/{draft}/uploads/{row['id']}?offset="
    early = client.post(path + "0", data[:cut] + b"x", content_type="application/octet-stream")
    assert (early.status_code, early.json()["received"]) == (409, cut)
    digest = hashlib.sha256(data[cut:]).hexdigest()
    done = client.post(
        path + str(cut), data[cut:], content_type="application/octet-stream", headers={"X-Part-SHA256": digest}
    )
    assert done.json()["received"] == len(data)
    assert client.post(f"/solutions/new/{draft}/documents", {"source": "upload", "name": "制度"}).status_code == 302


def test_two_gigabytes_are_refused_before_they_are_sent(owner: Member) -> None:
    client = window(owner)
    draft = begin(client, upto="documents")
    answer = client.post(f"/solutions/new/{draft}/uploads", {"name": "影像.zip", "size": 2 << 30})
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert "2.0 GB" in answer.json()["message"]
    assert as_member(owner, lambda: Upload.objects.filter(batch=draft).count()) == 0


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("制度/\u202egnp.exe\u200b.txt", "制度/gnp.exe.txt"),
        ("<b onmouseover=alert(1)>.txt", "<b onmouseover=alert(1)>.txt"),
        ("../../etc/passwd", None),
        ("\u200b", None),
    ],
)
def test_names_of_files(owner: Member, name: str, kept: str | None) -> None:
    client = window(owner)
    draft = begin(client, upto="documents")
    answer = client.post(f"/solutions/new/{draft}/uploads", {"name": name, "size": 3})
    assert answer.json().get("name") == kept
    page = client.get(f"/solutions/new/{draft}/documents").content.decode()
    assert "<b onmouseover" not in page
    assert "\u202e" not in page


def test_a_session_that_ended_is_told_to_the_script_and_the_file_goes_on(owner: Member) -> None:
    client = window(owner)
    draft = begin(client, upto="documents")
    row = send(client, draft, "a.txt", b"abc", size=6).json()
    path = f"/solutions/new/{draft}/uploads/{row['id']}?offset=3"
    client.logout()
    gone = client.post(path, b"def", content_type="application/octet-stream", headers={"HX-Request": "true"})
    assert gone.status_code == 401
    again = window(owner, enforce_csrf_checks=True)
    stale = again.post(path, b"def", content_type="application/octet-stream", headers={"X-CSRFToken": "a" * 32})
    assert stale.status_code == 403
    told = again.get(f"/solutions/new/{draft}/uploads").json()
    assert [each["received"] for each in told["files"]] == [3]
    done = again.post(path, b"def", content_type="application/octet-stream", headers={"X-CSRFToken": told["token"]})
    assert done.json()["received"] == 6


def test_a_strangers_part_is_nowhere(owner: Member, stranger: Member, viewer: Member) -> None:
    draft = begin(window(owner), upto="documents")
    row = send(window(owner), draft, "a.txt", b"abc", size=6).json()
    path = f"/solutions/new/{draft}/uploads/{row['id']}"
    # The script asks as htmx does, and gets a sentence instead of a redirect.
    for who, status in ((stranger, 404), (viewer, 422)):
        client = window(who, headers={"HX-Request": "true"})
        part = client.post(path + "?offset=3", b"def", content_type="application/octet-stream")
        assert part.status_code == status
        assert client.post(path + "/remove").status_code == status
    assert as_member(owner, lambda: Upload.objects.get(id=row["id"])).received == 3
    mine = draft_id(window(stranger).post("/solutions/new", {"industry": "medical"}))
    other = window(stranger).post(
        f"/solutions/new/{mine}/uploads/{row['id']}?offset=3", b"def", content_type="application/octet-stream"
    )
    assert other.status_code == 404


def test_a_collection_is_chosen_only_if_it_holds_something(owner: Member, stranger: Member) -> None:
    client = window(owner)
    draft = begin(client, upto="documents")
    empty = as_member(owner, lambda: Collection.objects.create(organization_id=owner.organization_id, name="空"))
    foreign = as_member(
        stranger, lambda: Collection.objects.create(organization_id=stranger.organization_id, name="别人")
    )
    for each in (empty, foreign):
        answer = client.post(f"/solutions/new/{draft}/documents", {"source": "collection", "collection": each.id})
        assert answer.status_code == 422
    as_member(owner, lambda: empty.documents.create(organization_id=owner.organization_id, name="a.txt"))
    answer = client.post(f"/solutions/new/{draft}/documents", {"source": "collection", "collection": empty.id})
    assert answer["Location"].endswith("/plan")


def test_no_documents_are_no_documents(owner: Member) -> None:
    client = window(owner)
    draft = begin(client, upto="documents")
    for form in ({"source": "upload", "name": "制度"}, {"source": "upload", "name": ""}, {"source": "elsewhere"}, {}):
        assert client.post(f"/solutions/new/{draft}/documents", form).status_code == 422
    assert as_member(owner, lambda: SolutionDraft.objects.get(id=draft)).source == ""


def test_a_discarded_draft_is_gone(owner: Member) -> None:
    client = window(owner)
    draft = begin(client)
    assert client.post(f"/solutions/new/{draft}/discard")["Location"] == "/"
    assert client.get(f"/solutions/new/{draft}/plan").status_code == 404


# Samples at one click


def test_the_sample_button_twice_is_one_solution(owner: Member) -> None:
    client = window(owner)
    form = {"industry": "medical", "scenario": SCENARIO}
    first, second = (client.post("/solutions/samples", form)["Location"] for _ in range(2))
    assert first == second
    assert as_member(owner, lambda: (Solution.objects.count(), Pipeline.objects.count())) == (1, 1)
    assert as_member(owner, lambda: StageRun.objects.filter(stage="ingest").count()) == 1


def test_the_upload_list_is_json(owner: Member) -> None:
    client = window(owner)
    draft = begin(client, upto="documents")
    send(client, draft, "a.txt", b"abc")
    told = json.loads(client.get(f"/solutions/new/{draft}/uploads").content)
    assert [(each["name"], each["received"]) for each in told["files"]] == [("a.txt", 3)]
    assert (told["part"], told["largest"]) == (8 << 20, 200 << 20)
