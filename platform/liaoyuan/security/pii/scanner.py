"""The one entrance to personal-data detection: text in, spans of that same text out."""

from collections.abc import Collection

from liaoyuan.security.normalise import normalise
from liaoyuan.security.pii.english import english_findings
from liaoyuan.security.pii.mask import HAN
from liaoyuan.security.pii.person_zh import person_findings
from liaoyuan.security.pii.place_zh import address_findings, organization_findings
from liaoyuan.security.pii.spans import Finding, Label, PiiSpan, settle
from liaoyuan.security.pii.structured import structured_findings

FINDERS = (structured_findings, address_findings, organization_findings, person_findings, english_findings)


def scan(text: str, labels: Collection[str] = tuple(Label)) -> list[PiiSpan]:
    """Personal data in `text`, in reading order and without overlaps; offsets are those of `text` itself."""
    form = normalise(text)
    findings: list[Finding] = settle([finding for finder in FINDERS for finding in finder(form.text)])
    chinese = HAN.search(form.text) is not None
    spans = []
    for finding in findings:
        label = finding.label
        if label is Label.LANDLINE and not chinese:
            label = Label.PHONE  # only Chinese practice tells the two apart
        if label in labels:
            start, end = form.original(finding.start, finding.end)
            spans.append(PiiSpan(start, end, label.value, text[start:end], round(finding.score, 3)))
    return spans
