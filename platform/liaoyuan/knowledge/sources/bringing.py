"""One item's bytes become versions of documents, by the same path that every other file takes."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from liaoyuan.accounts.names import name_clean
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.facts import DocumentFacts
from liaoyuan.knowledge.identity import identify
from liaoyuan.knowledge.models import Document
from liaoyuan.knowledge.parse.pool import ParsePool
from liaoyuan.knowledge.services.finding import FoundFile
from liaoyuan.knowledge.services.importing import FileOutcome, ImportJob, Incoming, file_finish, file_receive
from liaoyuan.knowledge.services.unpacking import archive_unpack, is_archive
from liaoyuan.knowledge.sources.connector import Connector, Fetched, Known
from liaoyuan.knowledge.sources.counting import counts_add
from liaoyuan.knowledge.sources.listing import told_error
from liaoyuan.knowledge.sources.models import ItemState, Source, SourceItem, SourceKind
from liaoyuan.pipeline.models import Artifact

_LONGEST: Final = 240


class Bringing:
    """One item on its way: fetched and parsing, then finished. ``done`` is its word in the counts."""

    def __init__(self, source: Source, job: ImportJob, connector: Connector, item: SourceItem) -> None:
        self.source, self.item, self.done = source, item, ""
        self._job, self._connector = job, connector
        self._folder: Path | None = None
        self._fetched: Fetched | None = None
        self._incoming: list[Incoming] = []

    def start(self, pool: ParsePool, workdir: Path) -> None:
        """Fetch, recognise what is known, set the rest going. An expected failure is kept for the item's line."""
        self._folder = Path(mkdtemp(dir=workdir))
        item = self.item
        fresh = bool(item.sha256 and item.versions)
        known = Known(item.etag, item.modified, item.sha256) if fresh else Known()
        try:
            self._fetched = self._connector.fetch(self.item.key, known, self._folder)
        except LiaoyuanError as error:
            self._failed(told_error(error), kept=False)
            return
        if self._fetched.path is None or (fresh and self._fetched.sha256 == item.sha256):
            self._ready("unchanged")
        elif not self._renamed():
            self._incoming = [file_receive(job, file, pool) for job, file in self._files(self._fetched.path)]

    def finish(self) -> None:
        """Wait for what is being parsed, index it, write the item. Raises what the embedding engine raises."""
        outcomes = [file_finish(self._job, incoming) for incoming in self._incoming]
        if outcomes:
            self._brought(outcomes)
        self.drop()

    def drop(self) -> None:
        """Remove what lies on the disk."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _renamed(self) -> bool:
        """The same bytes under another key, and nothing left at the old one: the document keeps its history."""
        fetched = self._fetched
        if fetched is None or self.item.documents:
            return False
        with self._tenant():
            gone = SourceItem.objects.filter(source=self.source, sha256=fetched.sha256, seen__lt=self.item.seen)
            old = gone.filter(state=ItemState.READY, documents__len=1).order_by("key").first()
            if old is None or not self._rename(old):
                return False
            self.item.documents, self.item.versions = old.documents, old.versions
            old.delete()
            self._ready("renamed")
        return True

    def _rename(self, old: SourceItem) -> bool:
        name = self._name(self.item.key)
        if Document.objects.filter(collection=self.source.collection_id, name=name).exists():
            return False
        return bool(Document.objects.filter(id=old.documents[0], erased_at__isnull=True).update(name=name))

    def _files(self, path: Path) -> Iterator[tuple[ImportJob, FoundFile]]:
        """The file, or the files of an archive, each with its own facts."""
        if self.source.kind != SourceKind.WEB:
            path = path.rename(path.with_name(_safe(self.item.key)))
        if not is_archive(path):
            yield self._file(path, self.item.key)
            return
        try:
            for number, member in enumerate(archive_unpack(path, Path(mkdtemp(dir=self._folder)))):
                key = f"{self.item.key}/{member.name}"
                file = self._file(member.path or path, key, member.error)
                yield file[0], replace(file[1], member=number)
        except LiaoyuanError as error:
            yield self._file(path, self.item.key, error)

    def _file(self, path: Path, key: str, error: LiaoyuanError | None = None) -> tuple[ImportJob, FoundFile]:
        web = self.source.kind == SourceKind.WEB
        identity = identify(PurePosixPath(key).name)
        facts = DocumentFacts(
            document=self._name(key),
            effective_from=None if web else identity.effective_from,
            groups=tuple(self.item.groups),
            draft=self.source.as_draft,
        )
        shown = f"{PurePosixPath(key).stem or 'page'}{path.suffix}" if web else PurePosixPath(key).name
        found = FoundFile(path, name_clean(shown)[-_LONGEST:] or path.name, key, error, source=path)
        return replace(self._job, facts={path.name: facts}), found

    def _name(self, key: str) -> str:
        """The document's name: the source's own prefix, then the path; a web page is called by its address."""
        if self.source.kind == SourceKind.WEB:
            return _short(key)
        return _short(f"{self.source.prefix}/{identify(self._connector.document_name(key)).name}")

    def _brought(self, outcomes: list[FileOutcome]) -> None:
        good = [outcome for outcome in outcomes if outcome.version_id and outcome.state != "rejected"]
        self.item.documents = list(dict.fromkeys(UUID(each.document_id) for each in outcomes if each.document_id))
        if good:
            self.item.versions = [UUID(each.version_id) for each in good]
        bad = next((outcome for outcome in outcomes if outcome.state == "rejected"), None)
        if bad is None:
            self._ready(
                "unchanged" if all("unchanged" in each.flags for each in outcomes) and not self._own() else "read"
            )
        else:
            self._failed({"code": bad.code, "zh": bad.reason, "en": bad.reason_en}, kept=True)

    def _own(self) -> bool:
        """Whether this very run brought these versions: a worker that died before it wrote their item's line."""
        with self._tenant():
            mine = Artifact.objects.filter(kind="document_version", run_id=self._job.run_id)
            return mine.filter(id__in=self.item.versions).exists()

    def _ready(self, done: str) -> None:
        self.done = done
        self._save(ItemState.READY, {})

    def _failed(self, error: dict[str, Any], *, kept: bool) -> None:
        """``kept`` True: these bytes will never do, so they are not read again until they change or a person asks."""
        self.done = "failed"
        self._save(ItemState.FAILED, error, remember=kept)

    def _save(self, state: ItemState, error: dict[str, Any], *, remember: bool = True) -> None:
        fetched, item = self._fetched, self.item
        if fetched is not None and remember:
            item.marker = fetched.marker or item.marker
            item.etag = fetched.etag
            item.modified = fetched.modified or item.modified
            item.sha256 = fetched.sha256 or item.sha256
            item.size = fetched.size or item.size
        item.state, item.error, item.synced_at = state, error, timezone.now()
        with self._tenant():
            item.save()
            if self._job.run_id is not None:
                counts_add(self.source.id, self._job.run_id, {self.done: 1})

    def _tenant(self) -> Any:
        return tenant_context(self.source.organization_id, self._job.user_id)


def _safe(key: str) -> str:
    """The item's own name as a file here: what is said of the file names it so. Short enough for every disk."""
    name = name_clean(PurePosixPath(key).name.replace("/", "_"))[-60:]
    return name if name.strip(".") else "content"


def _short(name: str) -> str:
    """A name that fits; two long ones that begin alike stay apart."""
    clean = name_clean(name)
    if len(clean) <= _LONGEST:
        return clean
    ending = PurePosixPath(clean).suffix[:9]
    return f"{clean[: _LONGEST - 20]}…{sha256(clean.encode()).hexdigest()[:8]}{ending}"
