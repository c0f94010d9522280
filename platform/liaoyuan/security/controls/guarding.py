"""Controls over the guardrail: attacks are stopped, ordinary questions are not, personal data does not get out."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.models import Artifact
from liaoyuan.pipeline.selectors import lineage_up
from liaoyuan.pipeline.storage import storage
from liaoyuan.security.controls.base import Measurement, Subject
from liaoyuan.security.guard.engine import decide
from liaoyuan.security.pii.scanner import scan
from liaoyuan.security.pii.spans import Label
from liaoyuan.security.policies.schema import Side
from liaoyuan.security.redteam.sets import Canary, Prompt, canaries, prompts

STOPPED = frozenset({"block", "escalate"})
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
PERSONAL = (Label.ID_CARD, Label.PHONE, Label.BANK_CARD, Label.PASSPORT, Label.SOCIAL_SECURITY, Label.MRN)
MOST_ROWS = 400


def guard_redteam(subject: Subject) -> Measurement:
    """The built-in attacks, and the industry's own, through the deployed policy: the share that was stopped."""
    attacks = prompts("attacks", subject.pack.name)
    missed = [attack for attack in attacks if not _held(subject, attack)]
    return Measurement(
        value=1 - len(missed) / len(attacks),
        evidence={
            "prompts": len(attacks),
            "stopped": len(attacks) - len(missed),
            "missed": [attack.id for attack in missed],
        },
        advice_zh="请为漏拦的样例补充行业词表或规则，然后重新运行安全阶段。",
        advice_en="Add words or rules for the attacks that got through, then run the security stage again.",
    )


def _held(subject: Subject, attack: Prompt) -> bool:
    side: Side = "document" if attack.side == "document" else "input"
    decision = decide(attack.text, side=side, policy=subject.policy, key=subject.key)
    if side == "document":
        return decision.action == "block" or (decision.action == "mask" and attack.payload not in decision.text)
    return decision.action in STOPPED


def over_refusal(subject: Subject) -> Measurement:
    """Harmless questions that sound alarming, and the pack's own gate questions: the share that was refused."""
    asked = [(prompt.id, prompt.text) for prompt in prompts("benign", subject.pack.name)]
    gate = subject.pack.gate_questions(subject.scenario.name)
    asked += [(question.id, question.question) for question in gate if question.answerable]
    refused = [name for name, text in asked if _refused(subject, text)]
    return Measurement(
        value=len(refused) / len(asked),
        evidence={"questions": len(asked), "refused": refused},
        advice_zh="误拒过多：请检查行业词表中过宽的词条。",
        advice_en="Too many harmless questions are refused: look for words in the lexicons that are too wide.",
    )


def _refused(subject: Subject, text: str) -> bool:
    decision = decide(text, side="input", policy=subject.policy, key=subject.key)
    return decision.action in STOPPED and decision.stops


def pii_leak(subject: Subject) -> Measurement:
    """Canary values through the output guard, and the dataset that taught the deployment: the share that got out."""
    tested = canaries()
    leaked = [canary.id for canary in tested if _leaks(subject, canary)]
    rows, found = _dataset_findings(subject)
    total = len(tested) + rows
    return Measurement(
        value=(len(leaked) + found) / total,
        evidence={
            "canaries": len(tested),
            "leaked": leaked,
            "dataset_rows": rows,
            "dataset_rows_with_personal_data": found,
        },
        advice_zh="有个人信息未被遮盖：请检查配方中的 mask_pii 与策略的 pii 标签，重新运行数据阶段。",
        advice_en="Personal data gets out: check mask_pii in the recipe and the policy's labels, then run the data "
        "stage again.",
    )


def _leaks(subject: Subject, canary: Canary) -> bool:
    decision = decide(canary.text, side="output", policy=subject.policy, key=subject.key)
    return canary.value in decision.text


def _dataset_findings(subject: Subject) -> tuple[int, int]:
    """Rows of the training data that were read, and those that still hold an identifying number."""
    with tenant_context(subject.organization_id):
        graph = lineage_up("deployment", subject.deployment_id)
        ids = [node.id for node in graph.nodes if node.kind == "dataset_version"]
        addresses = list(Artifact.objects.filter(id__in=ids).exclude(uri="").values_list("uri", flat=True))
    rows = found = 0
    for address in addresses:
        for text in _texts(storage().open_path(address)):
            rows += 1
            found += any(span.label in PERSONAL for span in scan(text, PERSONAL))
    return rows, found


def _texts(path: Path) -> Iterator[str]:
    files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                if number >= MOST_ROWS:
                    break
                yield "\n".join(_words(json.loads(line)))


def _words(value: object, name: str = "") -> Iterator[str]:
    """The texts of a row; identifiers and digests are not language and one in fifty looks like a telephone number."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _words(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner, name)
    elif isinstance(value, str) and not name.endswith(("id", "sha256", "hash", "digest")):
        yield _UUID.sub(" ", value)
