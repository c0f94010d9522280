"""Pseudonyms: the same person carries the same token inside a data set, and nobody without the key can go back."""

import hmac
import re
from dataclasses import dataclass

from liaoyuan.security.normalise import plain
from liaoyuan.security.pii.spans import PiiSpan

NAMES_ZH = {
    "PERSON": "姓名",
    "ID_CARD": "身份证",
    "PHONE": "手机",
    "LANDLINE": "电话",
    "BANK_CARD": "银行卡",
    "USCC": "信用代码",
    "PASSPORT": "护照",
    "LICENSE_PLATE": "车牌",
    "MRN": "病历号",
    "SOCIAL_SECURITY": "社保号",
    "STUDENT_NO": "学号",
    "METER_NO": "户号",
    "EMAIL": "邮箱",
    "WECHAT": "微信",
    "QQ": "QQ",
    "IP": "网络地址",
    "ADDRESS": "地址",
    "ORG": "机构",
    "DOB": "出生日期",
    "IBAN": "账户",
    "DRIVER_LICENSE": "驾驶证",
}
MIN_KEY_BYTES = 16
DIGEST_CHARACTERS = 8
HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Replaces spans by tokens derived from `key` (at least 16 bytes; one key per data set keeps sets unlinkable)."""

    key: bytes

    def __post_init__(self) -> None:
        if len(self.key) < MIN_KEY_BYTES:
            raise ValueError(f"the pseudonym key needs at least {MIN_KEY_BYTES} bytes")

    def token(self, label: str, value: str, *, language: str) -> str:
        """〔姓名-3f2a91c0〕 or [PERSON-3f2a91c0]; spaces, hyphens, case and width of the value make no difference."""
        canonical = re.sub(r"[\s\-·.]", "", plain(value)).casefold()
        digest = hmac.digest(self.key, f"{label}\x1f{canonical}".encode(), "sha256").hex()[:DIGEST_CHARACTERS]
        return f"〔{NAMES_ZH.get(label, label)}-{digest}〕" if language == "zh" else f"[{label}-{digest}]"

    def mask(self, text: str, spans: list[PiiSpan]) -> str:
        """`text` with every span replaced; `spans` must not overlap."""
        language = "zh" if HAN.search(text) else "en"
        parts: list[str] = []
        end = 0
        for span in sorted(spans):
            parts += [text[end : span.start], self.token(span.label, span.value, language=language)]
            end = span.end
        return "".join([*parts, text[end:]])
