"""The files of a collection's imports that are not ready, as its page shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext_lazy

from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.services.unlocking import LOCKED
from liaoyuan.knowledge.waiting.models import ITEM_AGAIN, ItemState
from liaoyuan.knowledge.waiting.selectors import FilePlace, Line, line_of
from liaoyuan.portal.door import language

SHOWN: Final = 30
WORDS: Final[dict[str, tuple[str, Any]]] = {
    ItemState.QUEUED: ("queued", gettext_lazy("in line")),
    ItemState.PARSING: ("running", gettext_lazy("being read")),
    ItemState.EMBEDDING: ("running", gettext_lazy("being indexed")),
    ItemState.REJECTED: ("failed", gettext_lazy("refused")),
    ItemState.CANCELLED: ("cancelled", gettext_lazy("cancelled")),
}


@dataclass(frozen=True)
class FileView:
    """One file, ready for the template."""

    file: FilePlace
    badge: str
    state: Any
    reason: str
    # The document whose page takes the password that the file asks for; trying it again would refuse it again.
    locked: UUID | None = None

    @property
    def again(self) -> bool:
        return self.file.state in ITEM_AGAIN and self.locked is None

    @property
    def cancellable(self) -> bool:
        return self.file.state == ItemState.QUEUED


@dataclass(frozen=True)
class LineView:
    """The files that are not ready, the first of them one by one."""

    line: Line
    files: Sequence[FileView]

    @property
    def failed(self) -> int:
        return self.line.rejected + self.line.cancelled

    @property
    def more(self) -> int:
        return self.line.open + self.failed - len(self.files)


def line_view(collection_id: UUID) -> LineView:
    """Inside the tenant context, whose rights decide which names are shown."""
    line = line_of(collection_id, limit=SHOWN)
    wanted = [each.version_id for each in line.files if each.code in LOCKED and each.version_id]
    locked = dict(versions_readable().filter(id__in=wanted).values_list("id", "document_id")) if wanted else {}
    return LineView(line, [_file(each, locked) for each in line.files])


def _file(each: FilePlace, locked: Mapping[UUID, UUID]) -> FileView:
    badge, state = WORDS[each.state]
    reason = each.reason_zh if language() == "zh" else each.reason_en
    return FileView(each, badge, state, reason, locked.get(each.version_id) if each.version_id else None)
