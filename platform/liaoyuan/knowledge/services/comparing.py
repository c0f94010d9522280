"""Two versions side by side, kept beside the newer one: what was compared once is read from storage."""

import json
import tempfile
from hashlib import sha256
from pathlib import Path

from liaoyuan.knowledge.diff.compare import Comparison, compare
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.selectors import parsed_document
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.pipeline.storage import storage, storage_key


def versions_compare(before: DocumentVersion, after: DocumentVersion) -> Comparison:
    """Both must have been read. Call it outside of a transaction: a book takes seconds the first time."""
    # Both are named by when they were read: after a new parse the comparison is another one.
    state = f"{before.id} {before.indexed_at} {after.indexed_at}"
    name = f"diff-{sha256(state.encode()).hexdigest()[:16]}.json"
    key = storage_key(after.organization_id, DOCUMENTS, after.id, name)
    if storage().exists(key):
        return Comparison.from_dict(json.loads(storage().open_path(key).read_text(encoding="utf-8")))
    found = compare(parsed_document(before).blocks, parsed_document(after).blocks)
    with tempfile.TemporaryDirectory(prefix="liaoyuan-diff-") as folder:
        whole = Path(folder) / name
        whole.write_text(json.dumps(found.as_dict(), ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        storage().put(key, whole)
    return found
