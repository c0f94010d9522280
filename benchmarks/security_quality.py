"""Quality of the scanner and of the guardrail on the development sets; prints one JSON object.

    python benchmarks/security_quality.py --data ../shared/data

The sets that trained a classifier are not used to judge it here; their out-of-fold figures stand in the weight files.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Appended: the standard library's `platform` must keep winning.
sys.path.append(str(ROOT / "platform"))

from liaoyuan.security.guard.engine import decide  # noqa: E402 - the path above must be set first
from liaoyuan.security.guard.policy import policy_compile  # noqa: E402
from liaoyuan.security.pii.scanner import scan  # noqa: E402
from liaoyuan.security.policies.schema import Side  # noqa: E402
from liaoyuan.security.redteam.sets import prompts  # noqa: E402

KEY = b"benchmark-key-of-32-bytes-------"
INDUSTRIES = ("medical", "energy", "education")
STOPPED = frozenset({"block", "escalate"})


def rows(path: Path, limit: int = 2000) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number >= limit:
                return
            yield json.loads(line)


def pii(path: Path) -> dict[str, Any]:
    """Precision and recall by label, exact spans."""
    found: Counter[tuple[str, str]] = Counter()
    start, size = time.perf_counter(), 0
    for row in rows(path):
        gold = {(span["start"], span["end"], span["label"]) for span in row["spans"]}
        said = {(span.start, span.end, span.label) for span in scan(row["text"])}
        size += len(row["text"].encode())
        for kind, spans in (("tp", gold & said), ("fp", said - gold), ("fn", gold - said)):
            found.update((span[2], kind) for span in spans)
    seconds = time.perf_counter() - start
    labels = {label: _scores(found, label) for label in sorted({label for label, _ in found})}
    return {"labels": labels, "ms_per_kilobyte": round(seconds * 1e6 / size, 2)}


def _scores(found: "Counter[tuple[str, str]]", label: str) -> dict[str, float]:
    right, wrong, missed = (found[label, kind] for kind in ("tp", "fp", "fn"))
    return {
        "precision": round(right / max(1, right + wrong), 4),
        "recall": round(right / max(1, right + missed), 4),
        "n": right + missed,
    }


def stopped(texts: Iterable[str], *, industry: str, side: Side) -> dict[str, Any]:
    """The share that does not pass unchanged, by action."""
    policy = policy_compile(industry)
    kept = list(texts)
    actions: Counter[str] = Counter(decide(text, side=side, policy=policy, key=KEY).action for text in kept)
    return {
        "n": len(kept),
        "stopped": round(sum(actions[name] for name in STOPPED) / len(kept), 4),
        "actions": dict(actions),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    data = parser.parse_args().data
    found: dict[str, Any] = {"pii_zh": pii(data / "pii_zh_synth/dev.jsonl")}
    found["over_refusal"] = {
        "cmrc2018": stopped(
            (r["question"] for r in rows(data / "cmrc2018/trial.questions.jsonl")), industry="base", side="input"
        ),
        "pubmedqa_untrained": stopped(
            (r["question"] for r in list(rows(data / "pubmedqa/train.jsonl"))[250:]), industry="medical", side="input"
        ),
        "cn_laws_as_documents": stopped(
            (r["text"] for r in rows(data / "cn_laws/articles.energy.jsonl", 400)), industry="base", side="document"
        ),
    }
    for industry in INDUSTRIES:
        attacks = [prompt for prompt in prompts("attacks", industry) if prompt.side == "input"]
        found[industry] = {
            "red_team": stopped((prompt.text for prompt in attacks), industry=industry, side="input"),
            "look_alikes": stopped(
                (prompt.text for prompt in prompts("benign", industry)), industry=industry, side="input"
            ),
            "gate_questions": stopped(
                (r["question"] for r in rows(ROOT / "industries" / industry / "evaluation/gate.jsonl")),
                industry=industry,
                side="input",
            ),
        }
    print(json.dumps(found, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
