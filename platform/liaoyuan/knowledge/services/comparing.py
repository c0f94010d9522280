"""Two versions side by side, kept beside the newer one: what was compared once is read from storage."""

import logging
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.diff.compare import Comparison, compare
from liaoyuan.knowledge.diff.kept import comparison_read, comparison_write
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.selectors import parsed_document
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.pipeline.storage import storage, storage_key

logger = logging.getLogger(__name__)
# Some 150 pages: a request compares them in a fraction of a second, so nothing is gained by doing it ahead.
LARGE: Final = 1_500
# Some 5,000 pages; the machine's memory and the reader's patience end there.
LARGEST: Final = 50_000


class TooLargeToCompare(LiaoyuanError):
    code = "too_large_to_compare"
    zh = "这两个版本共有 {blocks} 个段落，超过逐段比较的上限 {limit}。请分别打开两个版本，或把文件拆成几份后再上传。"
    en = (
        "These versions have {blocks} blocks, more than the {limit} that are compared block by block. Open the two "
        "versions one beside the other, or bring the document in parts."
    )
    status = 422


def versions_compare(before: DocumentVersion, after: DocumentVersion) -> Comparison:
    """Both must have been read. Call it outside of a transaction: a book takes seconds the first time, unless its
    import has done it already (:func:`comparison_prepare`). Raises TooLargeToCompare."""
    key = _key(before, after)
    if storage().exists(key):
        return comparison_read(storage().open_path(key))
    blocks = max(before.blocks, after.blocks)
    if blocks > LARGEST:
        raise TooLargeToCompare(blocks=blocks, limit=LARGEST)
    found = compare(parsed_document(before).blocks, parsed_document(after).blocks)
    with tempfile.TemporaryDirectory(prefix="liaoyuan-diff-") as folder:
        whole = Path(folder) / "diff"
        comparison_write(found, whole)
        storage().put(key, whole)
    return found


def comparison_prepare(*, organization_id: UUID, version_id: UUID, user_id: UUID | None = None) -> bool:
    """Compare a large version that was just read with the one before it, so that nobody waits who looks at what
    changed; whether there was something to do. Called by jobs; opens contexts of its own."""
    with tenant_context(organization_id, user_id):
        after = DocumentVersion.objects.filter(id=version_id, blocks__gte=LARGE).first()
        if after is None:
            return False
        earlier = DocumentVersion.objects.filter(document_id=after.document_id, number__lt=after.number)
        before = earlier.exclude(blocks_key="").order_by("-number").first()
    if before is None:
        return False
    try:
        versions_compare(before, after)
    except (LiaoyuanError, OSError):
        # The version is read and found; who asks for the comparison hears what is wrong with it.
        logger.warning("version %s was not compared with the one before", version_id, exc_info=True)
        return False
    return True


def _key(before: DocumentVersion, after: DocumentVersion) -> str:
    # Both are named by when they were read: after a new parse the comparison is another one.
    state = f"{before.id} {before.indexed_at} {after.indexed_at}"
    name = f"diff-{sha256(state.encode()).hexdigest()[:16]}.jsonl"
    return storage_key(after.organization_id, DOCUMENTS, after.id, name)
