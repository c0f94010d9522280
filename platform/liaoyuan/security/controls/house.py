"""Controls of the platform itself, proven for every industry beside the pack's."""

from dataclasses import dataclass

from liaoyuan.industry.schemas.base import Text


@dataclass(frozen=True, slots=True)
class PlatformControl:
    """Like a pack's control; yes-or-no."""

    id: str
    title: Text
    source: str
    check: str
    at_least: float | None = 1.0
    at_most: float | None = None

    def passed(self, value: float) -> bool:
        return value >= 1.0


PLATFORM_CONTROLS = (
    PlatformControl(
        "LY-SECRETS",
        Text(zh="密钥文件只有其所有者可读", en="Secret files are readable by their owner only"),
        "OWASP ASVS 5.0 13.3.1; GB/T 22239-2019",
        "secret_files_private",
    ),
)
