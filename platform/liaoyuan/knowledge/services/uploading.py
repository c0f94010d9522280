"""Files arrive in parts: each part is kept at once, the file goes on where it stopped, and an import takes it whole.

The parts lie below ``VAR/incoming/<organization>/``. The row is the truth: bytes beyond ``received`` are a write that
was never confirmed and are cut off.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from liaoyuan.accounts.names import name_clean
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_person, current_tenant
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge import errors
from liaoyuan.knowledge.models import Collection, Upload
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_start
from liaoyuan.pipeline.storage import DiskFull, storage, storage_key

UPLOADS: Final = "uploads"
PART_BYTES: Final = 8 << 20
MOST_FILES: Final = 2000
# Of what one batch may hold before it is imported, in largest files.
LARGEST_FILES: Final = 20
LONGEST_NAME: Final = 200
FORGOTTEN: Final = timedelta(days=3)
SPARE_DISK: Final = 1 << 30
NO_SPACE: Final = frozenset({28, 122})


def upload_open(*, batch: UUID, name: str, size: int, modified: int = 0) -> Upload:
    """The row of a file that is about to be sent; the same file again (by name, size and time) goes on where it was.

    Raises FileNameUnusable, FileNameTaken, FileEmpty, FileTooLarge, TooMuchToUpload, DiskFull: all before a byte is
    sent.
    """
    tenant = current_tenant()
    clean = upload_name(name)
    _check_size(clean, size)
    known = Upload.objects.filter(**_mine(batch))
    same = known.filter(name=clean).first()
    if same is not None:
        if (same.size, same.modified) != (size, modified):
            raise errors.FileNameTaken(name=clean)
        return same
    _forget()
    held = known.aggregate(files=Count("id"), total=Sum("size", default=0))
    total = LARGEST_FILES * settings.UPLOAD_FILE_BYTES
    if held["files"] >= MOST_FILES or held["total"] + size > total:
        raise errors.TooMuchToUpload(files=MOST_FILES, total=_megabytes(total))
    if shutil.disk_usage(_folder()).free < size + SPARE_DISK:
        raise DiskFull(key=clean)
    row = Upload(
        organization_id=tenant.organization_id,
        user_id=current_person(),
        batch=batch,
        name=clean,
        size=size,
        modified=modified,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Two windows chose the same file at once.
        return known.get(name=clean)
    return row


def upload_append(*, upload_id: UUID, batch: UUID, offset: int, data: bytes, sha256: str = "") -> Upload:
    """Keep one part, at most 8 MiB, that begins at ``offset``; ``sha256`` (hex) is of this part, if the sender knows.

    A part that is here already changes nothing. Raises NotFound, PartOutOfPlace, PartDamaged, InvalidInput, DiskFull.
    """
    row = _locked(upload_id, batch)
    if len(data) > PART_BYTES:
        raise InvalidInput(detail=f"part > {PART_BYTES >> 20} MiB")
    if sha256 and hashlib.sha256(data).hexdigest() != sha256.lower():
        raise errors.PartDamaged(name=row.name)
    if offset + len(data) <= row.received and offset >= 0:
        return row
    if offset != row.received or row.received + len(data) > row.size:
        raise errors.PartOutOfPlace(name=row.name, received=row.received)
    _write(row, data)
    row.received += len(data)
    row.save(update_fields=["received", "updated_at"])
    return row


def upload_remove(*, upload_id: UUID, batch: UUID) -> None:
    """Forget a file that was not imported yet, and its bytes. Raises NotFound."""
    row = _locked(upload_id, batch)
    path = _path(row)
    row.delete()
    transaction.on_commit(lambda: _remove([path]))


def uploads_waiting(batch: UUID) -> list[Upload]:
    """The current person's files of a batch that were not imported yet, whole or in part, by name."""
    return list(Upload.objects.filter(**_mine(batch)).order_by("name"))


def uploads_import(*, batch: UUID, collection: Collection, groups: Sequence[str] = ()) -> StageRun | None:
    """Hand the batch's whole files to an ingest run; None when there are none. Files still on their way stay."""
    rows = [row for row in Upload.objects.select_for_update().filter(**_mine(batch)).order_by("name") if row.complete]
    if not rows:
        return None
    key = storage_key(current_tenant().organization_id, UPLOADS, uuid4())
    with tempfile.TemporaryDirectory(dir=_folder(), prefix="import-") as folder:
        for row in rows:
            target = Path(folder) / row.name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(_path(row), target)
        storage().put(key, Path(folder))
    spec = {
        "collection": collection.name,
        "collection_id": str(collection.id),
        "paths": [str(storage().open_path(key))],
        # An empty list would make a restricted document public when it is uploaded anew; None keeps its rights.
        "groups": list(groups) or None,
    }
    run = stage_run_start(stage=StageName.INGEST, spec=spec)
    Upload.objects.filter(id__in=[row.id for row in rows]).update(import_run=run.id)
    paths = [_path(row) for row in rows]
    transaction.on_commit(lambda: _remove(paths))
    detail = {"files": len(rows), "groups": list(groups), "run": str(run.id)}
    audit_record(action="document.import", object_kind="collection", object_id=collection.id, detail=detail)
    return run


def upload_name(name: str) -> str:
    """A relative path that is safe to show and to write: clean parts, no way out. Raises FileNameUnusable."""
    parts = [name_clean(part) for part in name.replace("\\", "/").split("/")]
    clean = PurePosixPath(*[part for part in parts if part not in {"", "."}])
    if not clean.parts or any(part.startswith(".") for part in clean.parts) or len(str(clean).encode()) > LONGEST_NAME:
        raise errors.FileNameUnusable(name=name_clean(name)[-60:])
    return str(clean)


def _check_size(name: str, size: int) -> None:
    if size > settings.UPLOAD_FILE_BYTES:
        raise errors.FileTooLarge(name=name, size=_megabytes(size), limit=_megabytes(settings.UPLOAD_FILE_BYTES))
    if size <= 0:
        raise errors.FileEmpty(name=name)


def _megabytes(size: int) -> str:
    return f"{size / (1 << 30):.1f} GB" if size >= 1 << 30 else f"{size / (1 << 20):.0f} MB"


def _mine(batch: UUID) -> dict[str, Any]:
    return {"batch": batch, "user_id": current_person(), "import_run__isnull": True}


def _locked(upload_id: UUID, batch: UUID) -> Upload:
    found = Upload.objects.select_for_update().filter(id=upload_id, **_mine(batch)).first()
    if found is None:
        raise NotFound
    return found


def _folder() -> Path:
    folder = Path(settings.VAR) / "incoming" / str(current_tenant().organization_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _path(row: Upload) -> Path:
    return Path(settings.VAR) / "incoming" / str(row.organization_id) / f"{row.id}.part"


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _write(row: Upload, data: bytes) -> None:
    _folder()
    try:
        with _path(row).open("ab") as target:
            target.truncate(row.received)
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFull(key=row.name) from error
        raise


def _forget() -> None:
    """What nobody came back for; a few at a time, whenever somebody begins something new."""
    old = Upload.objects.filter(import_run__isnull=True, updated_at__lt=timezone.now() - FORGOTTEN)[:50]
    for row in old:
        _path(row).unlink(missing_ok=True)
        row.delete()
