"""A protected file is opened with the password that a person gives: once, in the confinement, and never kept.

The readable bytes take the file's place in storage. From then on the platform's own rights protect the document, and
its pages, a new parse and a new index need no password.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from django.db import transaction

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant, tenant_context
from liaoyuan.errors import InvalidInput
from liaoyuan.knowledge.errors import NothingToUnlock
from liaoyuan.knowledge.models import DocumentVersion, VersionState
from liaoyuan.knowledge.parse.errors import PasswordNeeded, PasswordWrong
from liaoyuan.knowledge.parse.pages import unlock_file
from liaoyuan.knowledge.services.importing import FileOutcome, documents_import
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.knowledge.services.retrying import versions_retry
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.storage import file_sha256, storage, storage_key

LOCKED = frozenset({PasswordNeeded.code, PasswordWrong.code})


def is_locked(version: DocumentVersion) -> bool:
    """Whether the version waits for a password."""
    return version.state == VersionState.REJECTED and version.error.get("code") in LOCKED


def version_unlock(*, version: DocumentVersion, password: str) -> StageRun:
    """Open the refused version with ``password`` and start reading it. Inside the tenant context.

    Raises PasswordWrong (the version stays as it was) and NothingToUnlock where no password is asked for.
    """
    _open(version, [password])
    run = versions_retry(collection=version.document.collection, version_ids=[version.id])
    audit_record(action="document.unlock", object_kind="document", object_id=version.document_id, detail={})
    return run


def files_unlock(
    *,
    organization_id: UUID,
    collection: str,
    outcomes: Sequence[FileOutcome],
    passwords: Sequence[str],
    user_id: UUID | None = None,
) -> list[FileOutcome]:
    """The outcomes of an import, those that asked for a password imported again with the first of ``passwords`` that
    opens them; the others stay as they are."""
    return [
        _again(organization_id, collection, outcome, passwords, user_id) if outcome.code in LOCKED else outcome
        for outcome in outcomes
    ]


def passwords_read(path: Path) -> list[str]:
    """The passwords in a file, one a line; a file, because a command line shows in the list of processes."""
    if not path.is_file():
        raise InvalidInput(detail=str(path))
    return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line]


def _again(
    organization_id: UUID, collection: str, outcome: FileOutcome, passwords: Sequence[str], user_id: UUID | None
) -> FileOutcome:
    with tenant_context(organization_id, user_id):
        version = DocumentVersion.objects.select_related("document").get(id=outcome.version_id)
        try:
            _open(version, passwords)
        except PasswordWrong as error:
            outcome.code, outcome.reason, outcome.reason_en = error.code, error.sentence("zh"), error.sentence("en")
            return outcome
        source, name = storage().open_path(version.source_key).resolve(), Path(version.document.name)
    with tempfile.TemporaryDirectory(prefix="liaoyuan-unlocked-") as folder:
        target = Path(folder) / name.parent / version.file_name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
        (found,) = documents_import(
            organization_id=organization_id, collection=collection, paths=[Path(folder)], user_id=user_id
        )
    found.path = outcome.path
    return found


def _open(version: DocumentVersion, passwords: Sequence[str]) -> None:
    """Put the readable bytes in the place of the protected ones."""
    if not is_locked(version):
        raise NothingToUnlock(name=version.file_name)
    opened = _opened(version, passwords)
    key = storage_key(current_tenant().organization_id, DOCUMENTS, version.id, f"unlocked{_suffix(version)}")
    with tempfile.TemporaryDirectory(prefix="liaoyuan-unlock-") as folder:
        path = Path(folder) / "file"
        path.write_bytes(opened)
        storage().put(key, path)
        version.sha256, version.size = file_sha256(path), len(opened)
    protected, version.source_key = version.source_key, key
    version.save(update_fields=["source_key", "sha256", "size"])
    if protected != key:
        transaction.on_commit(lambda: storage().delete(protected))


def _opened(version: DocumentVersion, passwords: Sequence[str]) -> bytes:
    path = storage().open_path(version.source_key)
    for password in passwords:
        try:
            return unlock_file(path, password, name=version.file_name)
        except PasswordWrong:
            continue
    raise PasswordWrong(name=version.file_name)


def _suffix(version: DocumentVersion) -> str:
    return Path(version.source_key).suffix
