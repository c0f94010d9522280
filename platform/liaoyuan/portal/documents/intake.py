"""Files of a plain form, and a pack's samples, on their way into a collection."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import UploadedFile

from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.services import collection_create
from liaoyuan.knowledge.services.uploading import PART_BYTES, upload_append, upload_open, uploads_import
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_start


def files_import(*, collection: Collection, files: "Sequence[UploadedFile[Any]]", groups: Sequence[str]) -> StageRun:
    """Keep the files and start their import. Raises what :mod:`liaoyuan.knowledge.services.uploading` refuses."""
    batch = uuid4()
    # All are looked at before the first byte is kept: a refusal leaves nothing behind.
    rows = [upload_open(batch=batch, name=file.name or "", size=file.size or 0) for file in files]
    for file, row in zip(files, rows, strict=True):
        offset = 0
        for part in file.chunks(PART_BYTES):
            upload_append(upload_id=row.id, batch=batch, offset=offset, data=part)
            offset += len(part)
    run = uploads_import(batch=batch, collection=collection, groups=groups)
    assert run is not None  # noqa: S101  every file above is whole
    return run


def samples_import(*, pack_name: str, language: str) -> Collection:
    """A collection with the sample documents of an industry pack; the same again changes nothing.

    Raises IndustryUnknown.
    """
    pack = industry_get(pack_name)
    title = pack.spec.title.in_language(language)
    name = f"{title}示例文档" if language == "zh" else f"{title}: sample documents"
    collection, _new = collection_create(name=name)
    spec = {"collection": collection.name, "collection_id": str(collection.id), "pack": pack.name}
    # A double click starts one import; later ones are runs that find every file unchanged.
    key = "samples:" + hashlib.sha256(f"{collection.id}".encode()).hexdigest()[:32]
    stage_run_start(stage=StageName.INGEST, spec=spec, idempotency_key=key)
    return collection
