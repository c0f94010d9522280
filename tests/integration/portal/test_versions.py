"""The pages of versions and sources: what each role sees, what a decision tells before it does, and the list as of a
day."""

import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.facts import DocumentFacts
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.services import documents_import
from liaoyuan.knowledge.sources.models import Source

pytestmark = pytest.mark.usefixtures("in_process")

OLD, NEW = "# 值班\n\n第一条 夜班护士每班不得少于两人。\n", "# 值班\n\n第一条 夜班护士每班不得少于三人。\n"


def signed_in(member: Any) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


@pytest.fixture
def document(organization: Any, tmp_path: Path) -> uuid.UUID:
    """In force since 2024 with one text; a draft with another. Only the group 护理 may read it."""
    for name, text, draft in (("值班规定(2024-01-01).md", OLD, False), ("值班规定.md", NEW, True)):
        (tmp_path / name).write_text(text)
        facts = {name: DocumentFacts(document="值班规定.md", draft=draft, groups=("护理",))}
        (made,) = documents_import(
            organization_id=organization.id, collection="制度", paths=[tmp_path / name], facts=facts
        )
    return uuid.UUID(made.document_id)


def versions_of(organization: Any) -> dict[int, DocumentVersion]:
    with tenant_context(organization.id):
        return {version.number: version for version in DocumentVersion.objects.all()}


def test_a_large_version_is_compared_by_its_import_and_one_beyond_all_bounds_is_told_so(
    organization: Any, owner: Any, document: uuid.UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liaoyuan.knowledge.services import comparing

    monkeypatch.setattr(comparing, "LARGE", 2)
    name = "值班规定(2025-01-01).md"
    (tmp_path / name).write_text(NEW.replace("三", "五"))
    facts = {name: DocumentFacts(document="值班规定.md", groups=("护理",))}
    documents_import(organization_id=organization.id, collection="制度", paths=[tmp_path / name], facts=facts)
    versions = versions_of(organization)
    monkeypatch.setattr(comparing, "compare", _never)
    client = signed_in(owner)
    page = client.get(f"/documents/{document}/versions/").content.decode()
    assert "<del>三</del>" in page and "<ins>五</ins>" in page, "it was ready before anybody asked"
    monkeypatch.setattr(comparing, "LARGEST", 1)
    again = f"?before={versions[1].id}&after={versions[3].id}"
    told = client.get(f"/documents/{document}/versions/{again}")
    assert told.status_code == 200
    assert "超过逐段比较的上限 1" in told.content.decode()
    with pytest.raises(comparing.TooLargeToCompare):
        comparing.versions_compare(versions[1], versions[3])


def _never(*_: Any) -> Any:
    raise AssertionError("nothing is compared in a request that an import has compared before")


def test_a_decision_is_told_before_it_is_done(organization: Any, owner: Any, document: uuid.UUID) -> None:
    client = signed_in(owner)
    draft = versions_of(organization)[2]
    page = client.get(f"/documents/{document}/versions/").content.decode()
    assert "<del>两</del>" in page and "<ins>三</ins>" in page
    asked = {"verb": "begin", "version": str(draft.id), "day": "", "until": ""}
    told = client.post(f"/documents/{document}/versions/decide", asked)
    today = timezone.localdate()
    assert told.status_code == 200 and today.isoformat() in told.content.decode()
    assert versions_of(organization)[2].state == "draft"
    done = client.post(f"/documents/{document}/versions/decide", asked | {"confirmed": "yes"})
    assert done.status_code == 302
    after = versions_of(organization)
    assert (after[1].state, after[1].effective_to, after[2].state) == ("superseded", today, "in_force")


def test_who_may_not_read_it_finds_no_versions_and_who_may_only_read_decides_nothing(
    organization: Any, viewer: Any, stranger: Any, document: uuid.UUID
) -> None:
    draft = versions_of(organization)[2]
    asked = {"verb": "begin", "version": str(draft.id), "confirmed": "yes"}
    for member in (viewer, stranger):
        client = signed_in(member)
        assert client.get(f"/documents/{document}/versions/").status_code == 404
        client.post(f"/documents/{document}/versions/decide", asked)
    assert versions_of(organization)[2].state == "draft"


def test_a_draft_does_not_hide_what_is_in_force_and_the_list_can_be_asked_as_of_a_day(
    organization: Any, owner: Any, document: uuid.UUID
) -> None:
    client = signed_in(owner)
    with tenant_context(organization.id):
        place = f"/collections/{collection_by_name('制度').id}/"
    (row,) = client.get(place).context["shown"].rows
    assert row.version == "2024-01-01" and row.badge == "succeeded"
    assert client.get(f"{place}?day=2023-12-31").context["shown"].rows == []
    assert len(client.get(f"{place}?day={date(2024, 1, 1) + timedelta(days=1)}").context["shown"].rows) == 1


def test_sources_are_for_those_who_manage_them(
    organization: Any, owner: Any, viewer: Any, stranger: Any, document: uuid.UUID, tmp_path: Path, settings: Any
) -> None:
    settings.SOURCE_FOLDERS = [("*", str(tmp_path))]
    with tenant_context(organization.id):
        home = f"/collections/{collection_by_name('制度').id}/sources/"
    given = {"name": "盘", "root": str(tmp_path), "path": "", "every_minutes": "60", "gone": "end", "groups": "护理",
             "group_map": "", "owner_groups": "", "verb": "save"}  # fmt: skip
    client = signed_in(owner)
    assert client.post(f"{home}new/folder", given | {"root": "/etc"}).status_code == 422
    made = client.post(f"{home}new/folder", given)
    assert made.status_code == 302
    with tenant_context(organization.id):
        source = Source.objects.get()
    for path in (made["Location"], f"/sources/{source.id}/live", f"/sources/{source.id}/preview"):
        assert client.get(path).status_code == 200, path
    assert str(tmp_path) in client.get(home).content.decode()
    assert client.post(f"/sources/{source.id}/act", {"verb": "pause"}).status_code == 302
    # A reader learns that there is a source, not where it lies; a stranger learns nothing.
    reading = signed_in(viewer)
    assert "盘" in (told := reading.get(home).content.decode()) and str(tmp_path) not in told
    assert reading.get(f"/sources/{source.id}/").status_code == 403
    assert signed_in(stranger).get(home).status_code == 404
    assert signed_in(stranger).get(f"/sources/{source.id}/").status_code == 404


def test_a_secret_key_is_never_shown_again(organization: Any, owner: Any, document: uuid.UUID, settings: Any) -> None:
    settings.SOURCE_S3_ENDPOINTS = ["http://127.0.0.1:9"]
    with tenant_context(organization.id):
        home = f"/collections/{collection_by_name('制度').id}/sources/"
    client = signed_in(owner)
    given = {"name": "桶", "endpoint": "http://127.0.0.1:9", "bucket": "docs", "path": "", "region": "us-east-1",
             "addressing": "path", "access_key": "AKIAVISIBLE", "secret_key": "never-show-this", "every_minutes": "0",
             "gone": "end", "groups": "", "group_map": "", "verb": "save"}  # fmt: skip
    assert client.post(f"{home}new/s3", given).status_code == 302
    with tenant_context(organization.id):
        source = Source.objects.get()
    for path in (f"/sources/{source.id}/", f"/sources/{source.id}/edit", home):
        page = client.get(path).content.decode()
        assert "never-show-this" not in page and "AKIAVISIBLE" not in page
    wrong = client.post(f"{home}new/s3", given | {"name": "二", "bucket": "..", "verb": "test"}).content.decode()
    assert "never-show-this" not in wrong
    kept = given | {"access_key": "", "secret_key": "", "name": "桶改"}
    assert client.post(f"/sources/{source.id}/edit", kept).status_code == 302
    with tenant_context(organization.id):
        assert Source.objects.get().sealed == source.sealed
