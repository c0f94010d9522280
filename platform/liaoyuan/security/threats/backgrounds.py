"""Harmless text for training: what people ask, what documents say, and questions composed from ordinary words.

Public question sets come from a few fields; a classifier that only saw those takes every question of another field for
an attack. Questions composed from the segmenter's dictionary make any ordinary word harmless on its own.
"""

import csv
import gzip
import itertools
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jieba

from liaoyuan.security.threats.classifier import WINDOW

SEEDS = Path(__file__).parent / "seeds"
MIN_COUNT = 30
COMPOSED = 5000
REGULATED = 3500
CLAUSE = re.compile(r"[，。；：、！？（）()\s]+")
SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")


@dataclass(frozen=True, slots=True)
class Example:
    """`weight` makes rare hand-written cases count; `source` names the set for the report."""

    text: str
    label: int
    source: str
    weight: float = 1.0


def sections(name: str) -> dict[str, list[str]]:
    """Lines of a seed file by their [section]; lines before the first are under ""."""
    found: dict[str, list[str]] = {"": []}
    current = ""
    for line in (SEEDS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            current = line[1:-1]
            found[current] = []
        elif line.strip() and not line.startswith("#"):
            found[current].append(line.strip())
    return found


def jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON-lines file, gzipped or not."""
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def questions(data: Path, chance: random.Random) -> list[Example]:
    """What people really ask, the composed questions and the written contrast cases."""
    medquad = [Example(row["question"], 0, "medquad") for row in jsonl(data / "medquad/medquad_answered.jsonl.gz")]
    found = chance.sample(medquad, min(1200, len(medquad)))
    found += [Example(row["question"], 0, "gsm8k") for row in itertools.islice(jsonl(data / "gsm8k/train.jsonl"), 600)]
    for path in sorted((data / "cn_law_qa_sample").glob("*.jsonl")):
        found += [Example(row["question"], 0, "cn_law_qa", 3.0) for row in jsonl(path)]
    found += [
        Example(row["question"], 0, "pubmedqa", 2.0)
        for row in itertools.islice(jsonl(data / "pubmedqa/train.jsonl"), 250)
    ]
    dialogues = itertools.islice(jsonl(data / "zh_medical_dialogue_im/train.jsonl"), 1200)
    found += [
        Example(row["ask"] if index % 2 else row["title"], 0, "zh_medical_dialogue")
        for index, row in enumerate(dialogues)
    ]
    found += _spoken(data, chance)
    found += composed(data, chance) + _regulated(data, chance)
    return found + [Example(line, 0, "seeds_benign", 8.0) for line in sections("benign.txt")[""]]


def _spoken(data: Path, chance: random.Random) -> list[Example]:
    with (data / "mts_dialog/MTS-Dialog-TrainingSet.csv").open(encoding="utf-8", newline="") as rows:
        turns = [turn.split(":", 1)[-1].strip() for row in csv.DictReader(rows) for turn in row["dialogue"].split("\n")]
    kept = [turn for turn in turns if len(turn) > 12]
    return [Example(turn[:WINDOW], 0, "mts_dialog") for turn in chance.sample(kept, min(1500, len(kept)))]


def _regulated(data: Path, chance: random.Random) -> list[Example]:
    """Questions about what statutes say, their forbidden acts included: asking for the rule is no request for harm."""
    frames = sections("composed.txt")["regulated_zh"]
    clauses = [
        clause
        for path in sorted((data / "cn_laws").glob("*.jsonl"))
        for row in jsonl(path)
        for clause in CLAUSE.split(row["text"])
        if 4 <= len(clause) <= 22
    ]
    kept = chance.sample(clauses, min(REGULATED, len(clauses)))
    return [Example(chance.choice(frames).format(clause), 0, "cn_laws_questions", 0.8) for clause in kept]


def composed(data: Path, chance: random.Random) -> list[Example]:
    """Questions from random ordinary words, half Chinese, half English."""
    frames = sections("composed.txt")
    nouns, verbs, places = _words("n"), _words("v"), _words("ns")
    found = []
    for _ in range(COMPOSED):
        slots = {
            "n1": chance.choice(nouns),
            "n2": chance.choice(nouns),
            "v1": chance.choice(verbs),
            "v2": chance.choice(verbs),
        }
        found.append(Example(chance.choice(frames["zh"]).format(p1=chance.choice(places), **slots), 0, "composed", 0.6))
    english = english_phrases(data, chance)
    verbs_en = [
        "use",
        "remove",
        "extend",
        "return",
        "check",
        "change",
        "apply for",
        "sign",
        "open",
        "read",
        "borrow",
        "measure",
        "report",
        "order",
        "renew",
    ]
    for _ in range(COMPOSED):
        a, b, c = (chance.choice(english) for _ in range(3))
        found.append(
            Example(chance.choice(frames["en"]).format(a=a, b=b, c=c, v=chance.choice(verbs_en)), 0, "composed", 0.6)
        )
    return found


def _words(tag: str) -> list[str]:
    with jieba.get_dict_file() as source:
        rows = [raw.decode("utf-8").split() for raw in source]
    return [row[0] for row in rows if row[2] == tag and int(row[1]) >= MIN_COUNT and 2 <= len(row[0]) <= 4]


def english_phrases(data: Path, chance: random.Random) -> list[str]:
    """One to three neighbouring lower-case words of abstracts and of a textbook."""
    texts = [row["text"] for row in itertools.islice(jsonl(data / "pubmedqa/corpus.jsonl"), 300, 1000)]
    words = [re.findall(r"[a-z]{4,}", text) for text in texts]
    found = []
    for line in words:
        for start in chance.sample(range(max(1, len(line) - 3)), min(8, max(1, len(line) - 3))):
            found.append(" ".join(line[start : start + chance.randint(1, 3)]))
    return [phrase for phrase in found if phrase]


def documents(data: Path, chance: random.Random) -> list[Example]:
    """What documents really say: statutes, abstracts, a textbook, answers of health institutes, tickets and letters."""
    found = [
        Example(row["text"][:WINDOW], 0, "cn_laws")
        for path in sorted((data / "cn_laws").glob("*.jsonl"))
        for row in jsonl(path)
    ]
    found += [
        Example(part, 0, "cn_laws")
        for row in chance.sample(found, 1000)
        for part in SENTENCE.split(row.text)[:2]
        if len(part) > 8
    ]
    for source, texts, count in (
        (
            "medquad",
            (row["answer"] for row in itertools.islice(jsonl(data / "medquad/medquad_answered.jsonl.gz"), 3000)),
            3000,
        ),
        (
            "pubmedqa_corpus",
            (row["text"] for row in itertools.islice(jsonl(data / "pubmedqa/corpus.jsonl"), 300, 1000)),
            3500,
        ),
        ("openstax", (row["text"] for row in jsonl(data / "openstax_python/modules.jsonl")), 1500),
        (
            "zh_medical_dialogue",
            (row["answer"] for row in itertools.islice(jsonl(data / "zh_medical_dialogue_im/train.jsonl"), 2500, 4000)),
            2500,
        ),
    ):
        parts = [part.strip()[:WINDOW] for text in texts for part in SENTENCE.split(text) if len(part.strip()) > 8]
        found += [Example(part, 0, source) for part in chance.sample(parts, min(count, len(parts)))]
    orders = json.loads((data / "maintie/gold_release_dev.json").read_text(encoding="utf-8"))
    return found + [Example(row["text"], 0, "maintie") for row in orders]
