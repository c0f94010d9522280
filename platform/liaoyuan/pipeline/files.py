"""Where a run's files live while it works, and how they move into storage: whole, and marked with the fence."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

from liaoyuan.pipeline.contract import NewArtifact
from liaoyuan.pipeline.errors import ArtifactOutside
from liaoyuan.pipeline.storage import storage, storage_key

RUNS = "runs"


@dataclass(frozen=True)
class StoredFile:
    """A file or folder in storage: its key, SHA-256 and bytes."""

    uri: str = ""
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True)
class Places:
    """The folders of one attempt (``fence``) of one run."""

    organization_id: UUID
    run_id: UUID
    fence: int

    @property
    def home(self) -> Path:
        return Path(settings.VAR) / "work" / str(self.run_id)

    @property
    def workdir(self) -> Path:
        return self.home / f"attempt-{self.fence}"

    @property
    def checkpoint_dir(self) -> Path:
        return self.home / "checkpoint"

    @property
    def stored(self) -> str:
        """The key below which this attempt's results are stored."""
        return storage_key(self.organization_id, RUNS, self.run_id, f"attempt-{self.fence}")

    def prepare(self) -> None:
        """Make the folders and clear away what earlier attempts left when they were killed."""
        for fence in range(1, self.fence):
            Places(self.organization_id, self.run_id, fence).discard()
        self.workdir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.checkpoint_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    def discard(self) -> None:
        """Remove this attempt's own output; the checkpoint stays for the next attempt."""
        shutil.rmtree(self.workdir, ignore_errors=True)
        storage().delete(self.stored)

    def finish(self) -> None:
        """The run succeeded: its results are in storage, all the rest can go."""
        shutil.rmtree(self.home, ignore_errors=True)

    def store(self, items: Iterable[NewArtifact]) -> dict[UUID, StoredFile]:
        """Copy the artifacts' files into storage, by artifact id. Raises ArtifactOutside, DiskFull."""
        return {item.id: self._store(item) for item in items if item.path is not None}

    def _store(self, item: NewArtifact) -> StoredFile:
        source = Path(str(item.path)).resolve()
        if not source.is_relative_to(self.home.resolve()):
            raise ArtifactOutside(path=source.name)
        key = f"{self.stored}/{item.id}/{source.name}"
        sha256 = storage().put(key, source)
        files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
        return StoredFile(uri=key, sha256=sha256, size=sum(file.stat().st_size for file in files))
