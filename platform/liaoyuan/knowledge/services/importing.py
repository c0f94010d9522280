"""Folders and files come in: each file its own risk, its own transaction and its own line in the result."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.errors import FileUnsafe, NothingToImport, PathMissing
from liaoyuan.knowledge.facts import DocumentFacts
from liaoyuan.knowledge.identity import identify
from liaoyuan.knowledge.indexes import graph_ensure, index_read
from liaoyuan.knowledge.models import Collection, DocumentVersion, VersionState
from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.parse.pool import ParsePool
from liaoyuan.knowledge.parse.sandbox import ParseOutcome
from liaoyuan.knowledge.services.ahead import tokens_ahead
from liaoyuan.knowledge.services.collecting import collection_create
from liaoyuan.knowledge.services.comparing import comparison_prepare
from liaoyuan.knowledge.services.finding import FoundFile, files_found, unpacking
from liaoyuan.knowledge.services.indexing import document_index
from liaoyuan.knowledge.services.receiving import Received, document_receive, version_reject
from liaoyuan.knowledge.settings import CollectionSettings, settings_of
from liaoyuan.pipeline.storage import DiskFull, storage

# So many files are read ahead while one is indexed; what was read waits in memory.
AHEAD = 6
# In the spec of a run whose files are versions that stand in storage already.
REREAD = "reread"


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
class ImportJob:
    """What all files of one import share."""

    organization_id: UUID
    collection_id: UUID
    user_id: UUID | None = None
    run_id: UUID | None = None
    groups: tuple[str, ...] | None = None
    facts: Mapping[str, DocumentFacts] = field(default_factory=dict)
    engine: Embedder | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that was stored (or refused) and is being parsed; ``parsing`` is None where there is nothing to parse."""

    file: FoundFile
    received: Received | LiaoyuanError
    parsing: "Future[ParseOutcome] | None" = None


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
    with its reason and the rest goes on; what was done stays when ``cancelled`` turns true. ``facts`` are by file name.
    Raises PathMissing and NothingToImport before any work, DiskFull as soon as a file does not fit.
    """
    with unpacking() as unpacked:
        files = [file for path in paths for file in files_found(path, unpacked)]
        if not files:
            raise NothingToImport(path=", ".join(str(path) for path in paths))
        with tenant_context(organization_id, user_id):
            found = collection_create(name=collection)[0]
        rights = None if groups is None else tuple(groups)
        job = ImportJob(organization_id, found.id, user_id, run_id, rights, facts or {}, engine)
        outcomes: list[FileOutcome] = []
        with ParsePool(limits=parse_limits(settings_of(found.settings))) as pool:
            for incoming in _ahead(job, files, pool):
                if cancelled():
                    break
                outcomes.append(file_finish(job, incoming, more=len(outcomes) + 1 < len(files)))
                if report:
                    report(outcomes[-1], len(outcomes), len(files))
        return outcomes


def parse_limits(settings: CollectionSettings) -> Limits:
    """What the collection's settings ask of the parser."""
    return Limits(pages=settings.parser.pages, ocr=settings.parser.ocr)


def collection_limits(job: ImportJob) -> Limits:
    """Likewise, of the collection that ``job`` imports into."""
    with tenant_context(job.organization_id, job.user_id):
        return parse_limits(settings_of(Collection.objects.get(id=job.collection_id).settings))


def _ahead(job: ImportJob, files: Sequence[FoundFile], pool: ParsePool) -> Iterator[Incoming]:
    """The files in order, each set going some places before its turn."""
    waiting: deque[Incoming] = deque()
    for file in files:
        waiting.append(file_receive(job, file, pool))
        if len(waiting) > AHEAD:
            yield waiting.popleft()
    yield from waiting


def file_receive(job: ImportJob, file: FoundFile, pool: ParsePool) -> Incoming:
    """Store the file and set its parsing going; an expected failure is kept for this file's line. Raises DiskFull."""
    if file.error is not None:
        return Incoming(file, file.error)
    try:
        if not file.path.is_symlink() and not file.path.exists():
            raise PathMissing(path=file.name)
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
        return Incoming(file, error)
    except OSError as error:
        return Incoming(file, _Unreadable(name=file.name, detail=error.strerror or type(error).__name__))
    if received.unchanged:
        return Incoming(file, received)
    parsing = pool.submit(file.path, name=file.path.name)
    parsing.add_done_callback(
        tokens_ahead(job.organization_id, job.collection_id, job.engine, identify(file.name).name)
    )
    return Incoming(file, received, parsing)


def version_receive(job: ImportJob, version_id: UUID, name: str, pool: ParsePool) -> Incoming:
    """Set the parsing of a stored version going once more; a failure is kept for its line."""
    with tenant_context(job.organization_id, job.user_id):
        version = DocumentVersion.objects.select_related("document").filter(id=version_id).first()
    if version is None:
        return Incoming(FoundFile(Path(name), name, name), _Erased(name=name))
    file = FoundFile(storage().open_path(version.source_key), name, name)
    if not file.path.is_file():
        return Incoming(file, PathMissing(path=name))
    standing = version.indexed_at is not None and version.state != VersionState.REJECTED
    received = Received(version.id, version.document_id, version.number, unchanged=False, standing=standing)
    parsing = pool.submit(file.path, name=version.file_name)
    parsing.add_done_callback(tokens_ahead(job.organization_id, job.collection_id, job.engine, version.document.name))
    return Incoming(file, received, parsing)


class _Erased(LiaoyuanError):
    code = "document_erased"
    zh = "“{name}”已被删除，未重新解析。"
    en = "“{name}” was erased meanwhile and was not read again."


class _Unreadable(LiaoyuanError):
    code = "unreadable"
    zh = "无法读取“{name}”：{detail}。请检查文件权限后重试。"
    en = "“{name}” cannot be read: {detail}. Check the file's permissions and try again."


def file_finish(
    job: ImportJob, incoming: Incoming, parsed_now: Callable[[], None] = lambda: None, *, more: bool = False
) -> FileOutcome:
    """Wait for the parse, then index. ``parsed_now`` is called between the two; ``more`` files follow at once.

    Raises what the embedding engine raises: that is no fault of the file.
    """
    outcome = _finish(job, incoming, parsed_now, more)
    if not more:
        # Whatever became of the last file: those before it may have left the graph for later.
        with tenant_context(job.organization_id, job.user_id):
            index = index_read(job.collection_id)
            if index is not None:
                graph_ensure(index.id)
    return outcome


def _finish(job: ImportJob, incoming: Incoming, parsed_now: Callable[[], None], more: bool) -> FileOutcome:
    outcome = FileOutcome(path=incoming.file.shown)
    received = incoming.received
    if isinstance(received, LiaoyuanError):
        return _refused(outcome, received)
    outcome.document_id, outcome.version_id = str(received.document_id), str(received.version_id)
    outcome.version = received.number
    if incoming.parsing is None:
        return _unchanged(job, outcome, received)
    began = time.monotonic()
    parsed = incoming.parsing.result()
    outcome.seconds, outcome.peak_memory_mb = parsed.seconds, parsed.peak_memory_mb
    outcome.state, outcome.code, outcome.flags = parsed.state, parsed.code, sorted(parsed.flags)
    outcome.reason, outcome.reason_en = parsed.reason_zh, parsed.reason_en
    if parsed.document is None:
        return _unread(job, outcome, received)
    parsed_now()
    try:
        indexed = document_index(
            organization_id=job.organization_id,
            version_id=received.version_id,
            parsed=parsed.document,
            user_id=job.user_id,
            run_id=job.run_id,
            engine=job.engine,
            more=more,
            anew=received.standing,
        )
    except DocumentVersion.DoesNotExist:
        return _refused(outcome, _Erased(name=incoming.file.name))
    comparison_prepare(organization_id=job.organization_id, version_id=received.version_id, user_id=job.user_id)
    outcome.pages, outcome.blocks, outcome.chunks = indexed.pages, indexed.blocks, indexed.chunks
    outcome.seconds = round(parsed.seconds + time.monotonic() - began, 3)
    return outcome


def _unread(job: ImportJob, outcome: FileOutcome, received: Received) -> FileOutcome:
    if received.standing:
        outcome.reason += " 仍使用此前解析的内容。"
        outcome.reason_en += " What was read before stays in use."
        return outcome
    with tenant_context(job.organization_id, job.user_id):
        version_reject(
            version_id=received.version_id,
            code=outcome.code,
            reason_zh=outcome.reason,
            reason_en=outcome.reason_en,
        )
    return outcome


def _refused(outcome: FileOutcome, error: LiaoyuanError) -> FileOutcome:
    outcome.state, outcome.code = "rejected", error.code
    outcome.reason, outcome.reason_en = error.sentence("zh"), error.sentence("en")
    return outcome


def _unchanged(job: ImportJob, outcome: FileOutcome, received: Received) -> FileOutcome:
    with tenant_context(job.organization_id, job.user_id):
        version = DocumentVersion.objects.get(id=received.version_id)
    outcome.state = "ready"
    outcome.flags = [*version.flags, "unchanged"]
    outcome.pages, outcome.blocks, outcome.chunks = version.pages, version.blocks, version.chunk_count
    return outcome
