"""Who may read a document is changed for all of its versions and chunks at once, in one transaction."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import F, Func, JSONField, Value

from liaoyuan.accounts.names import groups_clean
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.pipeline.models import Artifact


class RightsNotYours(LiaoyuanError):
    code = "rights_not_yours"
    zh = "只有可见全部文档的人（所有者、数据管理员）才能修改谁可阅读。"
    en = "Only those who see every document (owners and stewards) may change who reads one."
    status = 403


def documents_regroup(*, document_ids: Sequence[UUID], groups: Sequence[str]) -> int:
    """Let only ``groups`` read the documents (everybody, if it is empty); how many documents there were.

    Search sees it from the next question on. Raises RightsNotYours, InvalidInput.
    """
    if current_tenant().groups is not None:
        raise RightsNotYours
    wanted = sorted(groups_clean(groups))
    versions = DocumentVersion.objects.filter(document_id__in=document_ids)
    ids = list(versions.values_list("id", flat=True))
    found = versions.values("document_id").distinct().count()
    versions.update(groups=wanted)
    Chunk.objects.filter(version_id__in=ids).update(groups=wanted)
    # What is made from the versions later inherits their rights from the artifacts.
    Artifact.objects.filter(id__in=ids).update(
        meta=Func(
            F("meta"), Value(["groups"]), Value(wanted, JSONField()), function="jsonb_set", output_field=JSONField()
        )
    )
    for document_id in document_ids:
        detail = {"groups": wanted}
        audit_record(action="document.groups", object_kind="document", object_id=document_id, detail=detail)
    return found
