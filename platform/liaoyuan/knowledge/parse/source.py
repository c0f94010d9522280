"""What a format reader is given, and what it may raise."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from liaoyuan.knowledge.parse.blocks import ParsedDocument
from liaoyuan.knowledge.parse.limits import Limits


@dataclass(slots=True)
class Source:
    """The bytes of one file with its name and bounds; readers never see a path."""

    data: bytes
    name: str
    limits: Limits = field(default_factory=Limits)
    password: str | None = None
    deadline: float = 0.0

    def __post_init__(self) -> None:
        if not self.deadline:
            # Readers stop by themselves shortly before the parent would kill them, so that what was read is kept.
            self.deadline = time.monotonic() + self.limits.seconds * 0.9

    @property
    def stem(self) -> str:
        """The file name without its last extension."""
        return self.name.rsplit(".", 1)[0] if "." in self.name[1:] else self.name

    @property
    def extension(self) -> str:
        """The last extension in lower case, without its dot; empty where there is none."""
        return self.name.rsplit(".", 1)[1].lower() if "." in self.name[1:] else ""

    def late(self) -> bool:
        """Whether the time for this file is nearly used up."""
        return time.monotonic() > self.deadline


Reader = Callable[[Source], ParsedDocument]
