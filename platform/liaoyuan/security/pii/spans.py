"""What the scanners return, and how overlapping findings are settled."""

from dataclasses import dataclass
from enum import StrEnum


class Label(StrEnum):
    """The kinds of personal data that are found. Eighteen of them are Chinese practice, three are foreign only."""

    ADDRESS = "ADDRESS"
    BANK_CARD = "BANK_CARD"
    DOB = "DOB"
    EMAIL = "EMAIL"
    ID_CARD = "ID_CARD"
    IP = "IP"
    LANDLINE = "LANDLINE"
    LICENSE_PLATE = "LICENSE_PLATE"
    METER_NO = "METER_NO"
    MRN = "MRN"
    ORG = "ORG"
    PASSPORT = "PASSPORT"
    PERSON = "PERSON"
    PHONE = "PHONE"
    SOCIAL_SECURITY = "SOCIAL_SECURITY"
    STUDENT_NO = "STUDENT_NO"
    USCC = "USCC"
    WECHAT = "WECHAT"
    IBAN = "IBAN"
    DRIVER_LICENSE = "DRIVER_LICENSE"
    QQ = "QQ"


STRUCTURED = frozenset(Label) - {Label.PERSON, Label.ADDRESS, Label.ORG}


@dataclass(frozen=True, slots=True, order=True)
class PiiSpan:
    """`value` is `text[start:end]` exactly as written; `score` in (0, 1] is the rule's confidence."""

    start: int
    end: int
    label: str
    value: str
    score: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A span of the plain form, before it is mapped back."""

    start: int
    end: int
    label: Label
    score: float


def settle(findings: list[Finding]) -> list[Finding]:
    """Keep the surest (then longest, then first) of those that overlap; in reading order."""
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (-f.score, f.start - f.end, f.start)):
        if all(finding.end <= other.start or other.end <= finding.start for other in kept):
            kept.append(finding)
    return sorted(kept, key=lambda f: f.start)
