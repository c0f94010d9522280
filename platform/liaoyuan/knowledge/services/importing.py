"""Folders and files come in: each file its own risk, its own transaction and its own line in the result."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any
from uuid import UUID

from django.conf import settings

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.errors import FileUnsafe, NothingToImport, PathMissing
from liaoyuan.knowledge.facts import DocumentFacts
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.parse.pool import ParsePool
from liaoyuan.knowledge.parse.sandbox import ParseOutcome
from liaoyuan.knowledge.services.collecting import collection_create
from liaoyuan.knowledge.services.indexing import document_index
from liaoyuan.knowledge.services.receiving import Received, document_receive, version_reject
from liaoyuan.knowledge.services.unpacking import archive_unpack, is_archive
from liaoyuan.pipeline.storage import DiskFull

# Files that operating systems and editors leave behind; they are nobody's documents.
_LITTER = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})


@dataclass(slots=True)
class FileOutcome:
    """What became of one file: ``ready``, ``partial`` (usable, with a reason) or ``rejected``; ``unchanged`` is a
    flag."""

    path: str
    state: str = "rejected"
    code: str = ""
    reason: str = ""
    reason_en: str = ""
    flags: list[str] = field(default_factory=list)
    pages: int = 0
    blocks: int = 0
    chunks: int = 0
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    document_id: str = ""
    version_id: str = ""
    version: int = 0

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _File:
    """``shown`` is its path for the person who imports: inside its archive, where it came in one."""

    path: Path
    name: str
    shown: str
    error: LiaoyuanError | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    """What all files of one import share."""

    organization_id: UUID
    collection_id: UUID
    user_id: UUID | None
    run_id: UUID | None
    groups: tuple[str, ...] | None
    facts: Mapping[str, DocumentFacts]
    engine: Embedder | None


ReportFile = Callable[[FileOutcome, int, int], None]


def documents_import(
    *,
    organization_id: UUID,
    collection: str,
    paths: Sequence[Path],
    groups: Sequence[str] | None = None,
    facts: Mapping[str, DocumentFacts] | None = None,
    user_id: UUID | None = None,
    run_id: UUID | None = None,
    engine: Embedder | None = None,
    report: ReportFile | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[FileOutcome]:
    """Import files and folders into the collection called ``collection``, which is made if need be.

    Parsing runs ahead in child processes while finished files are embedded. A file that cannot be read is listed
    with its reason
    and the rest goes on; what was done stays when ``cancelled`` turns true. ``facts`` are by file name.
    Raises PathMissing and NothingToImport before any work, DiskFull as soon as a file does not fit.
    """
    with _unpacking() as unpacked:
        files = [file for path in paths for file in _files(path, unpacked)]
        if not files:
            raise NothingToImport(path=", ".join(str(path) for path in paths))
        with tenant_context(organization_id, user_id):
            collection_id = collection_create(name=collection)[0].id
        rights = None if groups is None else tuple(groups)
        job = _Job(organization_id, collection_id, user_id, run_id, rights, facts or {}, engine)
        return _import(job, files, report, cancelled)


def _import(
    job: _Job, files: Sequence[_File], report: ReportFile | None, cancelled: Callable[[], bool]
) -> list[FileOutcome]:
    outcomes: list[FileOutcome] = []
    with ParsePool() as pool:
        waiting = [(file, *_received(job, file, pool)) for file in files]
        for file, received, parsing in waiting:
            if cancelled():
                break
            outcome = _finish(job, file, received, parsing)
            outcomes.append(outcome)
            if report:
                report(outcome, len(outcomes), len(files))
    return outcomes


@contextmanager
def _unpacking() -> Iterator[Path]:
    """A folder for the files of archives, on the disk that the operator watches; gone afterwards."""
    parent = Path(settings.VAR)
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="unpacked-", dir=parent) as folder:
        yield Path(folder)


def _files(path: Path, unpacked: Path) -> Iterator[_File]:
    """The files of a path in a stable order, links included so that they can be refused by name."""
    if not path.exists() and not path.is_symlink():
        raise PathMissing(path=str(path))
    if not path.is_dir():
        yield from _file(path, path.name, unpacked)
        return
    for found in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
        if not hidden and (found.is_symlink() or not found.is_dir()) and found.name.lower() not in _LITTER:
            yield from _file(found, found.relative_to(path).as_posix(), unpacked)


def _file(path: Path, name: str, unpacked: Path) -> Iterator[_File]:
    """The file itself; of an archive its files, and a line for the archive where it could not be read to its end."""
    if not is_archive(path):
        yield _File(path, name, str(path))
        return
    try:
        folder = Path(mkdtemp(dir=unpacked))
        for member in archive_unpack(path, folder):
            yield _File(member.path or path, member.name, f"{path}/{member.name}", member.error)
    except LiaoyuanError as error:
        yield _File(path, name, str(path), error)


def _received(
    job: _Job, file: _File, pool: ParsePool
) -> tuple[Received | LiaoyuanError, "Future[ParseOutcome] | None"]:
    """Store the file and set its parsing going; an expected failure is kept for this file's line."""
    if file.error is not None:
        return file.error, None
    try:
        if file.path.is_symlink() or not file.path.is_file():
            raise FileUnsafe(name=file.name)
        received = document_receive(
            organization_id=job.organization_id,
            collection_id=job.collection_id,
            path=file.path,
            name=file.name,
            facts=job.facts.get(file.path.name) or DocumentFacts(groups=job.groups),
            user_id=job.user_id,
        )
    except DiskFull:
        # No fault of this file: the run stops, and goes on from here when there is room.
        raise
    except LiaoyuanError as error:
        return error, None
    except OSError as error:
        return _Unreadable(name=file.name, detail=error.strerror or type(error).__name__), None
    return received, None if received.unchanged else pool.submit(file.path, name=file.path.name)


class _Unreadable(LiaoyuanError):
    code = "unreadable"
    zh = "无法读取“{name}”：{detail}。请检查文件权限后重试。"
    en = "“{name}” cannot be read: {detail}. Check the file's permissions and try again."


def _finish(
    job: _Job, file: _File, received: Received | LiaoyuanError, parsing: "Future[ParseOutcome] | None"
) -> FileOutcome:
    outcome = FileOutcome(path=file.shown)
    if isinstance(received, LiaoyuanError):
        return _refused(outcome, received)
    outcome.document_id, outcome.version_id = str(received.document_id), str(received.version_id)
    outcome.version = received.number
    if parsing is None:
        return _unchanged(job, outcome, received)
    began = time.monotonic()
    parsed = parsing.result()
    outcome.seconds, outcome.peak_memory_mb = parsed.seconds, parsed.peak_memory_mb
    outcome.state, outcome.code, outcome.flags = parsed.state, parsed.code, sorted(parsed.flags)
    outcome.reason, outcome.reason_en = parsed.reason_zh, parsed.reason_en
    if parsed.document is None:
        with tenant_context(job.organization_id, job.user_id):
            version_reject(
                version_id=received.version_id,
                code=parsed.code,
                reason_zh=parsed.reason_zh,
                reason_en=parsed.reason_en,
            )
        return outcome
    indexed = document_index(
        organization_id=job.organization_id,
        version_id=received.version_id,
        parsed=parsed.document,
        user_id=job.user_id,
        run_id=job.run_id,
        engine=job.engine,
    )
    outcome.pages, outcome.blocks, outcome.chunks = indexed.pages, indexed.blocks, indexed.chunks
    outcome.seconds = round(parsed.seconds + time.monotonic() - began, 3)
    return outcome


def _refused(outcome: FileOutcome, error: LiaoyuanError) -> FileOutcome:
    outcome.code, outcome.reason, outcome.reason_en = error.code, error.sentence("zh"), error.sentence("en")
    return outcome


def _unchanged(job: _Job, outcome: FileOutcome, received: Received) -> FileOutcome:
    with tenant_context(job.organization_id, job.user_id):
        version = DocumentVersion.objects.get(id=received.version_id)
    outcome.state = "ready"
    outcome.flags = [*version.flags, "unchanged"]
    outcome.pages, outcome.blocks, outcome.chunks = version.pages, version.blocks, version.chunk_count
    return outcome
