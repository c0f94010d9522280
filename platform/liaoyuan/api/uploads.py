"""Files that people send: checked, put into storage under the tenant, handed to an ingest run."""

import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from django.core.files.uploadedfile import UploadedFile

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.models import Collection
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_start
from liaoyuan.pipeline.storage import storage, storage_key

UPLOADS = "uploads"
MOST_FILES = 200
LARGEST_FILE = 200 << 20
LARGEST_UPLOAD = 1 << 30
# A file system takes 255 bytes; storage adds a few of its own.
LONGEST_NAME = 200


class UploadRefused(LiaoyuanError):
    code = "upload_refused"
    zh = "上传被拒绝：一次最多 {files} 个文件，每个不超过 {megabytes} MB，总计不超过 {total} MB。请分批上传。"
    en = "Refused: at most {files} files at a time, {megabytes} MB each, {total} MB in all. Upload in several steps."
    status = 413


class FileNameRefused(LiaoyuanError):
    code = "file_name_refused"
    zh = "第 {number} 个文件的名称不可用（为空、过长、含控制字符、以点开头或重名）。请改名后重试。"
    en = "The name of file {number} cannot be used (empty, too long, control characters, a leading dot, or twice)."
    status = 422


def upload_receive(
    *, collection: Collection, files: "Sequence[UploadedFile[bytes]]", groups: Sequence[str], idempotency_key: str = ""
) -> StageRun:
    """Keep ``files`` and start the run that imports them. Raises UploadRefused, FileNameRefused, DiskFull."""
    earlier = StageRun.objects.filter(idempotency_key=idempotency_key).first() if idempotency_key else None
    if earlier is not None:
        return earlier
    _check_sizes(files)
    names = file_names(files)
    organization_id = current_tenant().organization_id
    key = storage_key(organization_id, UPLOADS, uuid4())
    with tempfile.TemporaryDirectory(prefix="liaoyuan-upload-") as folder:
        for file, name in zip(files, names, strict=True):
            with (Path(folder) / name).open("wb") as target:
                for block in file.chunks():
                    target.write(block)
        storage().put(key, Path(folder))
    # An empty list would make a restricted document public when it is uploaded anew; None keeps its rights.
    spec = {
        "collection": collection.name,
        "collection_id": str(collection.id),
        "paths": [str(storage().open_path(key))],
        "groups": list(groups) or None,
    }
    run = stage_run_start(stage=StageName.INGEST, spec=spec, idempotency_key=idempotency_key)
    detail = {"files": len(names), "groups": list(groups), "run": str(run.id)}
    audit_record(action="document.import", object_kind="collection", object_id=collection.id, detail=detail)
    return run


def _check_sizes(files: "Sequence[UploadedFile[bytes]]") -> None:
    sizes = [file.size or 0 for file in files]
    if not files or len(files) > MOST_FILES or max(sizes) > LARGEST_FILE or sum(sizes) > LARGEST_UPLOAD:
        raise UploadRefused(files=MOST_FILES, megabytes=LARGEST_FILE >> 20, total=LARGEST_UPLOAD >> 20)


def file_names(files: "Sequence[UploadedFile[bytes]]") -> list[str]:
    """The files' own names without any folder. Raises FileNameRefused with the file's position."""
    names: list[str] = []
    for number, file in enumerate(files, start=1):
        name = unicodedata.normalize("NFC", (file.name or "").replace("\\", "/").rsplit("/", 1)[-1]).strip()
        control = any(unicodedata.category(letter) in {"Cc", "Cf", "Cs"} for letter in name)
        if not name or name.startswith(".") or control or len(name.encode()) > LONGEST_NAME or name in names:
            raise FileNameRefused(number=number)
        names.append(name)
    return names
