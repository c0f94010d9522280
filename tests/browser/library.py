"""An organization with documents of several formats and states, for the browser's tests of documents and chat."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).resolve().parents[2] / "industries" / "medical" / "documents"
NAMES = (
    "手卫生规范.pdf",
    "围手术期血糖管理规范.docx",
    "危急值项目与限值表.xlsx",
    "sepsis-bundle.md",
    "病历书写时限规定.csv",
)
NOTE = """# 院感科通知

第一条 新冠消毒巡查每周两次，由院感科牵头。

第二条 各科室应当在 3 个工作日内反馈整改情况。
"""


@dataclass(frozen=True)
class Library:
    """``email`` owns it; the solution is live under the route ``library-…``."""

    email: str
    organization: Any
    owner: Any
    collection_id: uuid.UUID
    empty_id: uuid.UUID
    pdf_id: uuid.UUID
    table_id: uuid.UUID
    solution_id: uuid.UUID
    documents: int


def nobody_make(password: str) -> str:
    """An owner of an organization with nothing in it."""
    return str(_owner(password, "新医院")[1].user.email)


def library_make(password: str, folder: Path) -> Library:
    """Import the samples for real, one broken file and one for a group, and let a solution over them go live."""
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.deployment.services import route_point
    from liaoyuan.knowledge.models import Document
    from liaoyuan.knowledge.services import collection_create, documents_import
    from liaoyuan.pipeline.services import solution_create
    from tests.integration.deployment.conftest import deploy

    organization, owner = _owner(password, "示范医院")
    for name in NAMES:
        (folder / name).write_bytes((SAMPLES / name).read_bytes())
    (folder / "损坏的扫描件.pdf").write_bytes(b"%PDF-1.4 broken")
    documents_import(organization_id=organization.id, collection="医务制度", paths=[folder], user_id=owner.user_id)
    note = folder.parent / f"{folder.name}-note"
    note.mkdir()
    (note / "院感科通知.md").write_text(NOTE, encoding="utf-8")
    documents_import(organization_id=organization.id, collection="医务制度", paths=[note], groups=["院感科", "护理部"])
    with tenant_context(organization.id, owner.user_id):
        ids = dict(Document.objects.values_list("name", "id"))
        collection, _ = collection_create(name="医务制度")
        empty, _ = collection_create(name="设备科（新）")
        solution, _ = solution_create(
            name="医务制度问答", industry="medical", scenario="guideline-qa", collection_id=collection.id
        )
    deployment = deploy(organization, owner, solution.id, collection.id)
    with tenant_context(organization.id, owner.user_id):
        route_point(solution_id=solution.id, name=f"library-{uuid.uuid4().hex[:6]}", deployment_id=deployment.id)
    return Library(
        email=owner.user.email,
        organization=organization,
        owner=owner,
        collection_id=collection.id,
        empty_id=empty.id,
        pdf_id=ids["手卫生规范.pdf"],
        table_id=ids["危急值项目与限值表.xlsx"],
        solution_id=solution.id,
        documents=len(ids),
    )


def _owner(password: str, name: str) -> tuple[Any, Any]:
    from liaoyuan.accounts.models import Role
    from liaoyuan.accounts.services import member_add, organization_create, user_create
    from liaoyuan.accounts.tenancy import tenant_context

    organization, _ = organization_create(name=f"{name} {uuid.uuid4().hex[:6]}")
    with tenant_context(organization.id):
        user, _ = user_create(email=f"library-{uuid.uuid4().hex[:8]}@example.org", password=password)
        return organization, member_add(user=user, role=Role.OWNER)
