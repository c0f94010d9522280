"""Collections and documents as their readers, their stewards and strangers meet them."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from liaoyuan.accounts.models import AuditEvent, Member, Role
from liaoyuan.accounts.services import member_add, user_create
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Chunk, Collection, Document, DocumentVersion, VersionState
from liaoyuan.knowledge.services import collection_create, documents_import
from liaoyuan.pipeline.models import StageRun
from tests.conftest import _member, _organization
from tests.integration.deployment.conftest import embeddings
from tests.stages import scripted_stages

__all__ = ["embeddings"]

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "industries" / "medical" / "documents"
PDF, DOCX, XLSX = "手卫生规范.pdf", "围手术期血糖管理规范.docx", "危急值项目与限值表.xlsx"
BROKEN, SECRET = "坏文件.pdf", "内部纪要.md"


@dataclass(frozen=True)
class Library:
    """One organization with a collection of a PDF, Office files, a broken file and one for the group "board"."""

    organization: Any
    owner: Member
    collection_id: uuid.UUID
    documents: dict[str, uuid.UUID]


@pytest.fixture(scope="module")
def library(embeddings: None, tmp_path_factory: pytest.TempPathFactory) -> Library:
    organization = _organization("library")
    owner = _member(organization, "owner")
    folder = tmp_path_factory.mktemp("library")
    for name in (PDF, DOCX, XLSX):
        (folder / name).write_bytes((SAMPLES / name).read_bytes())
    (folder / BROKEN).write_bytes(b"%PDF-1.4 not really")
    _bring(organization, [folder])
    secret = tmp_path_factory.mktemp("secret") / SECRET
    secret.write_text("# 内部纪要\n\n第一条 密钥代号为“青松七号”。\n", encoding="utf-8")
    _bring(organization, [secret], groups=["board"])
    with tenant_context(organization.id):
        collection = Collection.objects.get(name="制度")
        documents = dict(Document.objects.values_list("name", "id"))
    return Library(organization, owner, collection.id, documents)


def _bring(organization: Any, paths: list[Path], **more: Any) -> None:
    documents_import(organization_id=organization.id, collection="制度", paths=paths, **more)


def browser(member: Any, language: str = "en") -> Client:
    """A signed-in window."""
    client = Client(headers={"Accept-Language": language})
    client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def someone(organization: Any, role: str, *groups: str) -> Member:
    with tenant_context(organization.id):
        user, _ = user_create(email=f"{role}-{uuid.uuid4().hex}@example.org")
        member = member_add(user=user, role=Role(role))
        Member.objects.filter(id=member.id).update(groups=list(groups))
        return member


@pytest.fixture
def of_collection(library: Library) -> str:
    return f"/collections/{library.collection_id}/"


@pytest.fixture
def stages(database: str) -> Iterator[None]:
    with scripted_stages():
        yield


# Collections


def test_a_collection_shows_its_documents_by_state(library: Library) -> None:
    card = browser(library.owner).get("/collections/").context["cards"][0]
    assert (card.name, card.documents, card.ready, card.refused) == ("制度", 5, 4, 1)
    assert card.chunks > 10


def test_an_empty_organization_is_offered_the_sample_documents(owner: Member, stages: None) -> None:
    page = browser(owner, "zh").get("/collections/").content.decode()
    assert "试用医疗示例" in page
    answer = browser(owner, "zh").post("/collections/samples", {"pack": "medical"})
    assert answer.status_code == 302
    with tenant_context(owner.organization_id):
        run = StageRun.objects.get()
        assert (run.stage, run.spec["pack"], run.spec["collection"]) == ("ingest", "medical", "医疗示例文档")
    browser(owner, "zh").post("/collections/samples", {"pack": "medical"})
    with tenant_context(owner.organization_id):
        assert StageRun.objects.count() == 1


def test_a_collection_is_made_once_and_a_name_needs_something_to_see(owner: Member) -> None:
    window = browser(owner)
    first = window.post("/collections/", {"name": "  Nursing  "})
    again = window.post("/collections/", {"name": "Nursing"})
    assert first.status_code == again.status_code == 302
    assert first["Location"] == again["Location"]
    unseen = window.post("/collections/", {"name": "\u200b\u202e\u2060"})
    assert unseen.status_code == 422
    assert b"visible character" in unseen.content


def test_a_viewer_makes_no_collection(viewer: Member) -> None:
    assert b"new-collection" not in browser(viewer).get("/collections/").content
    browser(viewer).post("/collections/", {"name": "mine"})
    with tenant_context(viewer.organization_id):
        assert not Collection.objects.exists()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=refused", {BROKEN}),
        ("format=pdf", {PDF, BROKEN}),
        ("format=pdf&state=ready", {PDF}),
        ("group=board", {SECRET}),
        ("group=*&state=ready", {PDF, DOCX, XLSX}),
        ("q=血糖", {DOCX}),
        ("q=%00%25'", set()),
        ("state=nonsense&sort=nonsense&page=nonsense", {PDF, DOCX, XLSX, BROKEN, SECRET}),
    ],
)
def test_the_list_is_filtered_on_the_server(library: Library, of_collection: str, query: str, names: set[str]) -> None:
    rows = browser(library.owner).get(f"{of_collection}?{query}").context["shown"].rows
    assert {row.name for row in rows} == names


def test_a_refused_file_says_why_in_the_readers_language(library: Library, of_collection: str) -> None:
    for language, words in (("zh", "已损坏或不完整"), ("en", "is damaged or incomplete")):
        row = browser(library.owner, language).get(f"{of_collection}?state=refused").context["shown"].rows[0]
        assert words in row.reason


def test_a_reader_sees_only_what_their_groups_may_read(library: Library, of_collection: str) -> None:
    outsider, insider = someone(library.organization, "viewer"), someone(library.organization, "viewer", "board")
    names = [{row.name for row in browser(who).get(of_collection).context["shown"].rows} for who in (outsider, insider)]
    assert SECRET not in names[0] and SECRET in names[1]
    assert b'"board"' not in browser(outsider).get(of_collection).content


def test_ten_thousand_documents_are_listed_page_by_page(owner: Member) -> None:
    with tenant_context(owner.organization_id):
        collection, _ = collection_create(name="big")
        own = {"organization_id": owner.organization_id}
        documents = [Document(name=f"文件 {n:05}.pdf", collection=collection, **own) for n in range(10_000)]
        Document.objects.bulk_create(documents)
        versions = [
            DocumentVersion(document=each, number=1, file_name=each.name, sha256=f"{n:064}", size=n, source_key="x",
                            state=VersionState.REJECTED if n % 100 == 0 else VersionState.IN_FORCE, **own)
            for n, each in enumerate(documents)
        ]  # fmt: skip
        DocumentVersion.objects.bulk_create(versions, batch_size=2000)
    page = browser(owner).get(f"/collections/{collection.id}/?page=150").context["shown"]
    assert (len(page.rows), page.page.paginator.count, page.rows[0].name) == (50, 10_000, "文件 07450.pdf")
    refused = browser(owner).get(f"/collections/{collection.id}/?state=refused&sort=-size").context["shown"]
    assert (refused.page.paginator.count, refused.rows[0].name) == (100, "文件 09900.pdf")


def test_the_list_costs_the_same_number_of_queries_for_one_document_and_for_fifty(
    owner: Member, django_assert_max_num_queries: Any
) -> None:
    with tenant_context(owner.organization_id):
        collection, _ = collection_create(name="some")
        own = {"organization_id": owner.organization_id}
        for n in range(50):
            document = Document.objects.create(name=f"{n}.pdf", collection=collection, **own)
            DocumentVersion.objects.create(
                document=document, number=1, file_name="x.pdf", sha256="0" * 64, size=1, source_key="x", **own
            )
    window = browser(owner)
    with django_assert_max_num_queries(45):
        window.get(f"/collections/{collection.id}/")


# Bringing, trying again, regrouping, erasing


def test_files_of_the_plain_form_are_imported(owner: Member, stages: None) -> None:
    with tenant_context(owner.organization_id):
        collection, _ = collection_create(name="here")
    files = [SimpleUploadedFile("a.md", b"# A"), SimpleUploadedFile("b.md", b"# B")]
    answer = browser(owner).post(f"/collections/{collection.id}/upload", {"chosen": files, "groups": "内科，board"})
    assert answer.status_code == 302
    with tenant_context(owner.organization_id):
        run = StageRun.objects.get()
        assert sorted(path.name for path in Path(run.spec["paths"][0]).iterdir()) == ["a.md", "b.md"]
        assert sorted(run.spec["groups"]) == ["board", "内科"]
    shown = browser(owner).get(f"/collections/{collection.id}/").context["shown"]
    assert shown.imports and shown.imports[0].line


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.md", "a\u202etxt.md", "规" * 60 + ".md"])
def test_odd_file_names_are_taken_or_refused_in_words_and_never_run(owner: Member, stages: None, name: str) -> None:
    with tenant_context(owner.organization_id):
        collection, _ = collection_create(name="odd")
    file = SimpleUploadedFile(name, b"# A")
    answer = browser(owner).post(f"/collections/{collection.id}/upload", {"chosen": [file]}, follow=True)
    assert answer.status_code == 200
    assert b"<img src=x" not in answer.content


def test_an_empty_file_is_refused_with_a_sentence(owner: Member) -> None:
    with tenant_context(owner.organization_id):
        collection, _ = collection_create(name="empty")
    window = browser(owner)
    referrer = f"http://testserver/collections/{collection.id}/"
    answer = window.post(
        f"/collections/{collection.id}/upload", {"chosen": [SimpleUploadedFile("a.md", b"")]}, follow=True,
        headers={"Referer": referrer},
    )  # fmt: skip
    assert "“a.md” is empty" in answer.content.decode()


def test_a_refused_file_is_tried_again_under_its_own_name(library: Library, of_collection: str, stages: None) -> None:
    window = browser(library.owner)
    assert window.post(f"{of_collection}retry").status_code == 302
    with tenant_context(library.organization.id):
        run = StageRun.objects.latest("created_at")
        folder = Path(run.spec["paths"][0])
        assert [path.name for path in folder.iterdir()] == [BROKEN]
        assert not any(path.is_symlink() for path in folder.iterdir())
        StageRun.objects.filter(id=run.id).update(state="cancelled")
    _bring(library.organization, [folder])
    with tenant_context(library.organization.id):
        version = DocumentVersion.objects.get(document_id=library.documents[BROKEN])
        assert (version.state, version.number) == (VersionState.REJECTED, 1)


def test_who_may_read_is_changed_by_those_who_see_everything(library: Library, of_collection: str) -> None:
    chosen = {"document": str(library.documents[XLSX]), "groups": "检验科"}
    developer = someone(library.organization, "annotator", "检验科")
    browser(developer).post(f"{of_collection}groups", chosen)
    with tenant_context(library.organization.id):
        assert DocumentVersion.objects.get(document_id=library.documents[XLSX]).groups == []
    browser(library.owner).post(f"{of_collection}groups", chosen)
    with tenant_context(library.organization.id):
        version = DocumentVersion.objects.get(document_id=library.documents[XLSX])
        groups = {tuple(chunk) for chunk in Chunk.objects.filter(version=version).values_list("groups", flat=True)}
        assert (version.groups, groups) == (["检验科"], {("检验科",)})
        assert AuditEvent.objects.filter(action="document.groups").exists()
    browser(library.owner).post(f"{of_collection}groups", chosen | {"groups": ""})


def test_an_erasure_first_says_what_goes(embeddings: None, owner: Member, tmp_path: Path) -> None:
    path = tmp_path / "规定.md"
    path.write_text("# 规定\n\n第一条 甲。\n\n第二条 乙。\n", encoding="utf-8")
    documents_import(organization_id=owner.organization_id, collection="制度", paths=[path])
    with tenant_context(owner.organization_id):
        document = Document.objects.get()
        version = document.versions.get()
    address = f"/collections/{document.collection_id}/erase"
    asked = browser(owner).post(address, {"document": str(document.id)})
    assert (asked.context["erasure"].versions, asked.context["erasure"].chunks) == (1, version.chunk_count)
    with tenant_context(owner.organization_id):
        assert document.versions.exists()
    browser(owner).post(address, {"document": str(document.id), "confirmed": "yes"})
    with tenant_context(owner.organization_id):
        assert not document.versions.exists()
    gone = browser(owner).get(f"/documents/{document.id}/")
    assert gone.status_code == 404
    assert b"was erased on" in gone.content


def test_a_developer_erases_nothing(library: Library, of_collection: str) -> None:
    developer = someone(library.organization, "developer")
    body = {"document": str(library.documents[PDF]), "confirmed": "yes"}
    browser(developer).post(f"{of_collection}erase", body)
    with tenant_context(library.organization.id):
        assert DocumentVersion.objects.filter(document_id=library.documents[PDF]).exists()


# One document


def test_a_page_of_a_pdf_has_boxes_inside_its_picture_and_chunks_that_name_them(library: Library) -> None:
    shown = browser(library.owner).get(f"/documents/{library.documents[PDF]}/").context["shown"]
    leaf = shown.leaf
    assert leaf.drawn and leaf.boxes and leaf.chunks
    for box in leaf.boxes:
        assert -5 <= box.x <= leaf.width and -5 <= box.y <= leaf.height and box.height > 0
    boxes = {box.block for box in leaf.boxes}
    assert all(boxes.intersection(chunk.blocks) for chunk in leaf.chunks)


def test_an_address_with_a_block_opens_at_its_box(library: Library) -> None:
    window = browser(library.owner)
    base = f"/documents/{library.documents[PDF]}/"
    last = window.get(base).context["shown"].leaf.blocks[-1].number
    leaf = window.get(f"{base}?block={last}").context["shown"].leaf
    assert [box.block for box in leaf.boxes if box.marked] == [last]
    assert any(chunk.marked for chunk in leaf.chunks)


@pytest.mark.parametrize("query", ["block=99999", "page=0", "page=9999", "version=no", f"version={uuid.UUID(int=7)}"])
def test_a_place_that_is_not_there_is_not_found(library: Library, query: str) -> None:
    assert browser(library.owner).get(f"/documents/{library.documents[PDF]}/?{query}").status_code == 404


def test_a_word_is_found_in_the_document(library: Library) -> None:
    shown = browser(library.owner).get(f"/documents/{library.documents[PDF]}/?q=手卫生").context["shown"]
    assert shown.hits and all(hit.found == "手卫生" for hit in shown.hits)


def test_an_office_file_is_shown_as_its_blocks(library: Library) -> None:
    page = browser(library.owner).get(f"/documents/{library.documents[XLSX]}/")
    leaf = page.context["shown"].leaf
    assert not leaf.drawn and any(block.table for block in leaf.blocks)
    assert b"<table" in page.content and b"page_image" not in page.content


def test_a_refused_document_says_why_instead_of_a_page(library: Library) -> None:
    page = browser(library.owner).get(f"/documents/{library.documents[BROKEN]}/")
    assert page.status_code == 200 and page.context["shown"].leaf is None
    assert b"is damaged or incomplete" in page.content


def test_markup_in_a_document_stays_text(embeddings: None, owner: Member, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("第一条 <script>alert(1)</script> 与 <b>加粗</b>。\n", encoding="utf-8")
    documents_import(organization_id=owner.organization_id, collection="c", paths=[path])
    with tenant_context(owner.organization_id):
        document = Document.objects.get()
    page = browser(owner).get(f"/documents/{document.id}/").content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def inert(answer: Any) -> str:
    """A page without what must differ: the form's token, and the address that was asked for."""
    text = re.sub(r'(csrfmiddlewaretoken" value=")[^"]+', r"\1TOKEN", answer.content.decode())
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
