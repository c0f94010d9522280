"""Pictures of pages: drawn once, asked for each time, never for somebody who may not read the document."""

import uuid
from pathlib import Path

import pytest

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Document, DocumentVersion
from liaoyuan.knowledge.services import document_erase, documents_import
from liaoyuan.pipeline.storage import storage
from tests.conftest import _organization
from tests.integration.deployment.conftest import embeddings
from tests.integration.portal.test_documents import (
    BROKEN,
    DOCX,
    PDF,
    SAMPLES,
    SECRET,
    Library,
    browser,
    inert,
    library,
    someone,
)

__all__ = ["embeddings", "library"]


def image(library: Library, page: int = 1, name: str = PDF) -> str:
    return f"/documents/{library.documents[name]}/pages/{page}.png"


def test_a_page_is_drawn_once_and_asked_for_each_time(library: Library) -> None:
    window = browser(library.owner)
    first = window.get(image(library))
    assert first.content.startswith(b"\x89PNG") and first["Content-Type"] == "image/png"
    assert first["Cache-Control"] == "private, no-cache"
    with tenant_context(library.organization.id):
        version = DocumentVersion.objects.get(document_id=library.documents[PDF])
    kept = [key for key in storage().list(version.source_key.rsplit("/", 1)[0]) if key.endswith(".png")]
    assert len(kept) >= 1
    again = window.get(image(library), headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    stranger = browser(someone(_organization("other"), "owner"))
    assert stranger.get(image(library), headers={"If-None-Match": first["ETag"]}).status_code == 404


@pytest.mark.parametrize(("page", "name"), [(0, PDF), (999, PDF), (1, DOCX), (1, BROKEN)])
def test_what_has_no_picture_is_not_found(library: Library, page: int, name: str) -> None:
    assert browser(library.owner).get(image(library, page, name)).status_code == 404


def test_a_stranger_gets_what_a_missing_document_gives_to_the_byte(library: Library, stranger: Member) -> None:
    window = browser(stranger)
    missing, foreign = uuid.uuid4(), library.documents[PDF]
    for path in ("/documents/{}/", "/documents/{}/pages/1.png", "/documents/{}/?block=1"):
        answers = [window.get(path.format(each)) for each in (missing, foreign)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert inert(answers[0]) == inert(answers[1])
    collections = [window.get(f"/collections/{each}/") for each in (missing, library.collection_id)]
    assert inert(collections[0]) == inert(collections[1])


def test_a_reader_without_the_group_gets_the_same_404(library: Library) -> None:
    window = browser(someone(library.organization, "viewer"))
    for path in ("/documents/{}/", "/documents/{}/pages/1.png"):
        answers = [window.get(path.format(each)) for each in (uuid.uuid4(), library.documents[SECRET])]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert inert(answers[0]) == inert(answers[1])


def test_a_hostile_pdf_costs_only_its_own_request(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    from liaoyuan.knowledge.pages import images
    from liaoyuan.knowledge.parse.limits import Limits

    with tenant_context(library.organization.id):
        version = DocumentVersion.objects.get(document_id=library.documents[PDF])
    for key in [key for key in storage().list(version.source_key.rsplit("/", 1)[0]) if key.endswith(".png")]:
        storage().delete(key)
    monkeypatch.setattr(images, "_LIMITS", Limits(seconds=20.0, memory_mb=1536, pixels=1000))
    window = browser(library.owner)
    refused = window.get(image(library))
    assert refused.status_code == 422 and b"too many pixels" in refused.content
    monkeypatch.undo()
    assert window.get(image(library)).status_code == 200


def test_an_erased_documents_pictures_are_gone(embeddings: None, owner: Member, tmp_path: Path) -> None:
    path = tmp_path / PDF
    path.write_bytes((SAMPLES / PDF).read_bytes())
    documents_import(organization_id=owner.organization_id, collection="c", paths=[path])
    with tenant_context(owner.organization_id):
        document = Document.objects.get()
        folder = document.versions.get().source_key.rsplit("/", 1)[0]
    window = browser(owner)
    assert window.get(f"/documents/{document.id}/pages/1.png").status_code == 200
    with tenant_context(owner.organization_id):
        document_erase(document_id=document.id)
    assert list(storage().list(folder)) == []
    assert window.get(f"/documents/{document.id}/pages/1.png").status_code == 404
