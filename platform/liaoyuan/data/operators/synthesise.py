"""Question–answer pairs from passages, by rule: every answer is a sentence of its passage, word for word.

Three kinds. ``number``: the sentence's quantity is asked for. ``rule``: what the document demands of the sentence's
subject. ``unanswerable``: the question of one document with the evidence of another, to be declined.
"""

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from liaoyuan.data.schemas import Drop, Outcome, Passage, Sample
from liaoyuan.industry.schemas.recipe import SynthesiseQa
from liaoyuan.knowledge.text.sentences import sentences

ZH_NUMBER: Final = re.compile(
    r"(?<![第0-9.])\d+(?:\.\d+)?\s*(?=小时|分钟|秒|天|日|个月|年|周|次|例|人|名|元|万元|米|厘米|毫米|千米|千伏|伏|安|度|分|学分|个|项|份|层|级|毫升|毫克|克|%)"
)
# 应 and 由 are parts of other words as well: 应急, 应用, 相应, 供应, 由于, 自由.
ZH_RULE: Final = re.compile(
    r"^(.{2,24}?)(?=应当|必须|不得|严禁|禁止|(?<![相适供反响效对])应(?![急用力对答变激邀届])|须|可以|(?<![自理])由(?!于))"
)
# What stands before the rule is no subject: a purpose, a condition, a pronoun, several clauses, or a phrase that is
# not over.
ZH_NO_SUBJECT: Final = re.compile(
    r"^(?:为了?(?!期)|根据|依照|按照|依据|按|对(?![方外])|在(?![用职校岗建])|因|当(?![事地])|如|若|经(?![营理济办])|凡|从(?![业事])"
    r"|有(?:下列|前)|其(?!他)|该|前[款条项]|本[款条项]|上述|上款|并|但|且|而)|，|[的地得和与或及等、在对还都也均仍就再又]$"
)
EN_NUMBER: Final = re.compile(
    r"\b(\d+(?:\.\d+)?)\s*(minutes?|hours?|days?|weeks?|months?|years?|seconds?|metres?|meters?|percent|points?|credits?|pages?|times?|people|items?|books?|copies)\b",
    re.I,
)
EN_RULE: Final = re.compile(r"^(.{4,70}?)\s+(must(?: not)?|shall(?: not)?|may(?: not)?|should(?: not)?|is|are)\s", re.I)
SUBJECT: Final = re.compile("“(.+)”")
# Year and day of a date are no quantities that anybody would ask for.
DATE: Final = re.compile(r"\d{4}\s*年\s*\d|(?<=月)\s*\d+\s*日")
EN_PRONOUN: Final = re.compile(r"^(it|this|that|these|those|they|he|she|there)\b", re.I)
SHORTEST: Final = {"zh": 10, "en": 25}
LONGEST: Final = {"zh": 90, "en": 260}
EVIDENCE: Final = {"zh": 120, "en": 420}


def synthesise_qa(passages: Sequence[Passage], params: SynthesiseQa, *, seed: int, abstain: dict[str, str]) -> Outcome:
    """At most ``per_block`` samples a passage and ``max_samples`` in all, taken evenly over the documents.

    ``abstain`` gives the sentence, by language, that an unanswerable question is declined with.
    """
    usable = [p for p in passages if p.language in params.languages]
    drops = [
        Drop(p.id, "synthesise_qa", "language", p.text[:200]) for p in passages if p.language not in params.languages
    ]
    samples: list[Sample] = []
    for passage in usable:
        made = list(_samples_of(passage))[: params.per_block]
        samples += made
        if not made:
            drops.append(Drop(passage.id, "synthesise_qa", "no_question", passage.text[:200]))
    samples, ambiguous = _specific(samples, usable)
    drops += [Drop(s.id, "synthesise_qa", "ambiguous_question", s.question) for s in ambiguous]
    answered = _evenly(samples, max(1, int(params.max_samples * (1 - params.unanswerable))), seed)
    share = params.unanswerable / (1 - params.unanswerable)
    declined = _unanswerable(answered, round(len(answered) * share), seed, abstain)
    numbers = {"answerable": len(answered), "unanswerable": len(declined), "left_out": len(samples) - len(answered)}
    return Outcome(answered + declined, drops, 0, numbers)


def _specific(samples: list[Sample], passages: Sequence[Passage]) -> tuple[list[Sample], list[Sample]]:
    """Samples whose question has one answer, and the others.

    What a document demands of a subject that several of its passages speak of has several answers; so has a question
    that was made twice.
    """
    asked = Counter(sample.question for sample in samples)
    texts: dict[str, list[str]] = {}
    for passage in passages:
        texts.setdefault(passage.document_version_id, []).append(passage.text.lower())
    kept: list[Sample] = []
    ambiguous: list[Sample] = []
    for sample in samples:
        subject = _subject(sample).lower()
        of_document = texts[sample.source["document_version_id"]]
        places = sum(subject in text for text in of_document) if subject else 1
        (kept if asked[sample.question] == 1 and places <= 1 else ambiguous).append(sample)
    return kept, ambiguous


def _subject(sample: Sample) -> str:
    """The subject that a rule question names between quotation marks; empty for other kinds."""
    found = SUBJECT.search(sample.question) if sample.kind == "rule" else None
    return found.group(1) if found else ""


def _samples_of(passage: Passage) -> Iterator[Sample]:
    """The samples of one passage, the most specific kind first; one sentence makes one sample."""
    language = passage.language
    for sentence in sentences(passage.text):
        text = sentence.of(passage.text)
        if not SHORTEST[language] <= len(text) <= LONGEST[language]:
            continue
        asked = _question(text, passage)
        if asked:
            kind, question = asked
            yield _sample(passage, question, text, kind)


def _question(text: str, passage: Passage) -> tuple[str, str] | None:
    topic = passage.document
    if passage.language == "zh":
        return _question_zh(text, topic)
    return _question_en(text, topic)


def _question_zh(text: str, topic: str) -> tuple[str, str] | None:
    body = re.sub(
        r"^[（(]?[一二三四五六七八九十0-9]+[）)、.．]\s*|^第[一二三四五六七八九十百零0-9]+[条章款]\s*", "", text
    )
    number = next((found for found in ZH_NUMBER.finditer(body) if not DATE.match(body, found.start())), None)
    if number:
        asked = body[: number.start()].rstrip() + "多少" + body[number.end() :]
        return "number", f"按《{topic}》，{asked.rstrip('。；;')}？"
    rule = ZH_RULE.match(body)
    if rule and not re.search(r"[，。；：、]$", rule.group(1)) and not ZH_NO_SUBJECT.search(rule.group(1)):
        return "rule", f"《{topic}》对“{rule.group(1)}”有什么要求？"
    return None


def _question_en(text: str, topic: str) -> tuple[str, str] | None:
    body = re.sub(r"^\s*(?:[-*•]|\d+(?:\.\d+)*[.)]?)\s+", "", text)
    number = EN_NUMBER.search(body)
    if number:
        blank = body[: number.start()] + "___ " + number.group(2) + body[number.end() :]
        return "number", f"According to the {topic}, what number belongs in the blank: “{blank}”"
    rule = EN_RULE.match(body)
    if rule and not EN_PRONOUN.match(rule.group(1)):
        subject = rule.group(1)
        return "rule", f"What does the {topic} say about “{subject[0].lower() + subject[1:]}”?"
    return None


def _sample(passage: Passage, question: str, answer: str, kind: str) -> Sample:
    identifier = hashlib.sha256(f"{passage.id}\n{question}\n{answer}".encode()).hexdigest()[:16]
    source = {
        "document_version_id": passage.document_version_id,
        "document": passage.document,
        "passage": passage.id,
        "page": passage.page,
        "box": passage.box,
        "locator": passage.locator,
    }
    evidence = _window(passage.text, answer, EVIDENCE[passage.language])
    return Sample(identifier, question, answer, evidence, passage.language, answerable=True, kind=kind, source=source)


def _window(text: str, answer: str, size: int) -> str:
    """At most about ``size`` characters around the answer, cut at sentences: a small model's context is dear."""
    if len(text) <= size:
        return text
    parts = sentences(text)
    middle = next((i for i, part in enumerate(parts) if answer in part.of(text)), 0)
    first = last = middle
    while True:
        grown = [(i, j) for i, j in ((first, last + 1), (first - 1, last)) if i >= 0 and j < len(parts)]
        fitting = [(i, j) for i, j in grown if parts[j].end - parts[i].start <= size]
        if not fitting:
            return text[parts[first].start : parts[last].end]
        first, last = fitting[0]


def _evenly(samples: list[Sample], limit: int, seed: int) -> list[Sample]:
    """At most ``limit`` samples, round robin over the documents: a long one must not crowd out the rest."""
    if len(samples) <= limit:
        return samples
    by_document: dict[str, list[Sample]] = {}
    for sample in samples:
        by_document.setdefault(sample.source["document_version_id"], []).append(sample)
    order = random.Random(seed)  # noqa: S311 - a reproducible draw, not a secret
    for group in by_document.values():
        order.shuffle(group)
    chosen: list[Sample] = []
    while len(chosen) < limit:
        for group in by_document.values():
            if group and len(chosen) < limit:
                chosen.append(group.pop())
    return sorted(chosen, key=lambda sample: sample.id)


def _unanswerable(samples: list[Sample], count: int, seed: int, abstain: dict[str, str]) -> list[Sample]:
    """Questions paired with the evidence of another document of the same language."""
    order = random.Random(seed + 1)  # noqa: S311 - a reproducible draw, not a secret
    made: list[Sample] = []
    for asked in order.sample(samples, len(samples)):
        if len(made) >= count:
            break
        others = [other for other in samples if _foreign(asked, other)]
        if others:
            made.append(_declined(asked, order.choice(others), abstain[asked.language]))
    return made


def _foreign(asked: Sample, other: Sample) -> bool:
    key = "document_version_id"
    return asked.language == other.language and asked.source[key] != other.source[key]


def _declined(asked: Sample, other: Sample, sentence: str) -> Sample:
    """``asked``'s question over ``other``'s evidence; the source names both, so that a split can keep them together."""
    source = other.source | {f"question_{key}": asked.source[key] for key in ("document_version_id", "passage")}
    return replace(
        other,
        id=hashlib.sha256(f"{asked.id}{other.id}".encode()).hexdigest()[:16],
        question=asked.question,
        answer=sentence,
        answerable=False,
        kind="unanswerable",
        source=source,
    )
