"""The guardrail over a file of texts, for the acceptance command and for operators."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from liaoyuan.pipeline.ports import Side
from liaoyuan.security.errors import GuardInputInvalid
from liaoyuan.security.guard.engine import decide, text_digest
from liaoyuan.security.packs import policy_for
from liaoyuan.security.ports import pseudonym_key


def guard_file(path: Path, *, side: Side, industry: str, scenario: str = "") -> dict[str, Any]:
    """One row per line: id, action, rules, score, controls, text (as it may go on), messages, and the text's digest.

    Raises GuardInputInvalid with the line number, and IndustryError for a pack that is unknown or not in order.
    """
    policy = policy_for(industry, scenario)
    key = pseudonym_key(industry)
    rows = []
    for item in _items(path):
        decision = decide(item["text"], side=side, policy=policy, key=key, context=item["context"])
        rows.append(
            {
                "id": item["id"],
                "action": decision.action,
                "rules": list(decision.rules),
                "score": round(decision.score, 4),
                "controls": list(decision.controls),
                "text": decision.text,
                "message_zh": decision.message_zh,
                "message_en": decision.message_en,
                "may_answer": not decision.stops,
                "text_sha256": text_digest(item["text"]),
            }
        )
    actions = Counter(row["action"] for row in rows)
    return {
        "industry": industry,
        "side": side,
        "policy": policy.version,
        "n": len(rows),
        "actions": dict(actions),
        "rows": rows,
    }


def _items(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GuardInputInvalid(file=path.name, line=0) from error
    return [_item(path.name, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _item(name: str, number: int, line: str) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except json.JSONDecodeError as error:
        raise GuardInputInvalid(file=name, line=number) from error
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise GuardInputInvalid(file=name, line=number)
    context = item.get("context")
    if context is not None and not isinstance(context, dict):
        context = {"evidence": context}
    return {"id": item.get("id", number), "text": item["text"], "context": context or {}}
