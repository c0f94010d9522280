"""What one check says."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One finding: ``ok``, what was seen, and what to do where it is not right (zh and en)."""

    name: str
    ok: bool
    detail: str
    mend_zh: str = ""
    mend_en: str = ""

    def as_dict(self) -> dict[str, Any]:
        body = asdict(self)
        return body | {"mend": "" if self.ok else f"{self.mend_zh} {self.mend_en}".strip()}


Probe = Callable[[], list[Check]]


def guarded(name: str, probe: Probe, mend_zh: str, mend_en: str) -> list[Check]:
    """Run ``probe``; what it raises becomes a finding, since a doctor that falls ill helps nobody."""
    try:
        return probe()
    except Exception as error:  # noqa: BLE001 - reported, with its type, as the finding
        detail = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return [Check(name, ok=False, detail=detail, mend_zh=mend_zh, mend_en=mend_en)]
