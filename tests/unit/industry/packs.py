"""A small, whole, signed pack to break in one place at a time."""

import json
from pathlib import Path

from liaoyuan.industry.loader import Trust
from liaoyuan.industry.manifest import TrustedKey, key_id, signing_key_open
from liaoyuan.industry.services import industry_sign

INDUSTRY = """format = 1
name = "harbour"
version = "1.2.0"
licence = "CC0-1.0"
scenarios = ["berth-qa"]
checks = []
title = { zh = "港口", en = "Harbour" }
description = { zh = "港口问答", en = "Harbour questions" }

[[roles]]
name = "pilot"
title = { zh = "引航员", en = "Pilot" }
base = "viewer"

[[controls]]
id = "HAR-01"
title = { zh = "隔离", en = "Isolation" }
source = "house rule 1"
check = "rls_forced"

[[locks]]
id = "never-steers"
title = { zh = "不操船", en = "Never steers" }
enforced_by = ["HAR-01"]
"""
SCENARIO = """name = "berth-qa"
users = ["pilot"]
languages = ["zh", "en"]
lexicon = ["words.tsv"]
title = { zh = "泊位问答", en = "Berth questions" }
description = { zh = "泊位问答", en = "Berth questions" }
documents = [{ name = "rules", title = { zh = "规定", en = "Rules" } }]
inputs = [{ name = "question", type = "string", title = { zh = "问题", en = "Question" } }]
outputs = [{ name = "answer", type = "string", title = { zh = "回答", en = "Answer" } }]
gates = [{ name = "finds", metric = "recall@5", at_least = 0.9 }]
kpis = [{ name = "abstention", title = { zh = "未答", en = "Withheld" }, formula = "abstention_rate" }]

[prompts]
zh = "answer.md"
en = "answer.md"

[evaluation]
gate = "gate.jsonl"
demo = "gate.jsonl"

[recipe]
name = "berth-qa"
operators = [
  { operator = "normalise" }, { operator = "mask_pii" }, { operator = "synthesise_qa" }, { operator = "split" },
]

[training]
task = "grounded-qa"
recipe = "lora-small"

[guardrail]
disclaimer = { zh = "仅供参考", en = "For reference" }
abstain = { zh = "没有依据", en = "No basis" }
"""
DOCUMENTS = """[[documents]]
file = "rules.md"
title = "Rules"
language = "en"
version = "1"
effective = 2025-01-01
kind = "policy"
"""
QUESTIONS = [
    {
        "id": "q1",
        "question": "How long is berth 4?",
        "language": "en",
        "evidence": ["rules#Berths"],
        "must_contain": ["230 m"],
        "answerable": True,
        "type": "number",
    },
    {
        "id": "q2",
        "question": "Who built it?",
        "language": "en",
        "evidence": [],
        "must_contain": [],
        "answerable": False,
        "type": "unanswerable",
    },
]
FILES = {
    "industry.toml": INDUSTRY,
    "documents.toml": DOCUMENTS,
    "NOTICE": "Written for the test.\n",
    "scenarios/berth-qa.toml": SCENARIO,
    "prompts/answer.md": "Evidence: {{evidence}}\nQuestion: {{question}}\n",
    "lexicon/words.tsv": "term\tlanguage\tkind\tvalue\nquay\ten\tsynonym\tberth\n",
    "evaluation/gate.jsonl": "".join(json.dumps(q) + "\n" for q in QUESTIONS),
    "documents/rules.md": "# Berths\n\nBerth 4 is 230 m long.\n",
}


def pack_write(root: Path, **changes: str) -> Path:
    """The unsigned pack in ``root/harbour``; ``changes`` replace files.

    Keyword ``industry__toml`` stands for industry.toml, ``prompts___answer__md`` for prompts/answer.md.
    """
    folder = root / "harbour"
    for name, text in FILES.items():
        put(folder, name, text)
    for name, text in changes.items():
        put(folder, name.replace("___", "/").replace("__", "."), text)
    return folder


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def signed(folder: Path, key_file: Path) -> Path:
    industry_sign(root=folder, key_file=key_file)
    return folder


def trust_in(key_file: Path) -> Trust:
    """Trust in exactly the key in ``key_file`` (made if absent)."""
    public = signing_key_open(key_file).public_key()
    return Trust((TrustedKey(key_id(public), key_file.stem, public),), str(key_file.parent))
