"""What one file may cost. Every bound ends in a stable code, never in a hang."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

MIB = 1024 * 1024
# Whether pages are recognised from their pixels: where the text layer is missing or broken, everywhere, nowhere.
Ocr = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one parse; sizes in bytes unless the name says otherwise, times in seconds.

    ``memory_mb`` is address space (RLIMIT_AS), not resident memory: recognising an A4 scan reaches 1.65 GB of address
    space while 0.85 GB is resident, so the default leaves half as much again.
    """

    file_bytes: int = 256 * MIB
    pages: int = 3000
    pixels: int = 50_000_000
    unpacked_bytes: int = 512 * MIB
    unpack_ratio: int = 100
    archive_entries: int = 20_000
    cells: int = 500_000
    characters: int = 20_000_000
    seconds: float = 600.0
    cpu_seconds: int = 1200
    memory_mb: int = 2560
    ocr_threads: int = 1
    ocr: Ocr = "auto"

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form, as it travels to the child."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Limits":
        """The inverse of ``as_dict``; an unknown key raises TypeError."""
        return cls(**values)
