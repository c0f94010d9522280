"""Questions from English rules: definitions, numbers with units, duties, prohibitions, conditions, lists."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from liaoyuan.knowledge.questions.synthesis.passages import Passage, Proposal
from liaoyuan.knowledge.text.sentences import sentences

_HEAD: Final = re.compile(
    r"^(?:(?:article|section|clause|rule|step)\s+)?(?:\d+(?:\.\d+)*[.)]?|[-•*]|\([a-z\d]+\))\s+", re.IGNORECASE
)
_VAGUE: Final = re.compile(
    r"^(?:this|these|those|that|such|it|they|he|she|there|the (?:above|following|former|latter|same))\b", re.IGNORECASE
)
_AUX: Final = r"must|shall|should|may|can|will|is|are|has to|have to"
_DUTY: Final = r"must|shall|should|may|can"
_WORDS: Final = "one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|sixty|ninety"
_NUMBER: Final = rf"(?P<number>\d+(?:\.\d+)?|{_WORDS})"
_TIME: Final = (
    r"seconds?|minutes?|hours?|(?:working |business |calendar )?days?|weeks?|months?|years?|semesters?|terms?"
)
_DEFINED: Final = re.compile(
    r"^(?:An? |The )?[“\"]?(?P<name>[A-Za-z][\w /-]{2,48}?)[”\"]? "
    r"(?:means|is defined as|refers to|is understood as) (?P<what>[^.;]{8,})"
)
# A sentence that opens with a subordinate clause has its subject elsewhere.
_CLAUSE: Final = (
    r"(?!(?:If|When|Where|In|For|After|Before|At|On|Within|During|Once|Unless|Until|While|As)\b)"
    r"(?P<who>[A-Z][^,.;:]{2,70}?)"
)
_WITHIN: Final = re.compile(
    rf"^{_CLAUSE} (?P<aux>{_AUX}) (?P<rest>[^.;]*?\b(?P<how>within|for|every|after|before) "
    rf"(?P<literal>(?:at least |no more than |up to |the first )?{_NUMBER} (?P<unit>{_TIME}))\b[^.;]*)"
)
_VERBS: Final = (
    "Measure|Obtain|Begin|Start|Administer|Apply|Check|Record|Report|Notify|Wash|Wear|Disconnect|Isolate|Keep|Store"
    "|Test|Inspect|Use|Give|Call|Stop|Remove|Replace|Submit|Complete|Review|Repeat|Remeasure|Ensure|Draw|Take|Clean"
    "|Close|Open|Verify|Register"
)
_ORDER: Final = re.compile(
    rf"^(?P<verb>{_VERBS})\b(?P<rest>[^.;]*?\b(?P<how>within|for|every) "
    rf"(?P<literal>{_NUMBER} (?P<unit>{_TIME}))\b[^.;]*)"
)
_BOUND: Final = "at least|no more than|at most|no fewer than|a minimum of|a maximum of|up to"
_COUNT: Final = re.compile(
    rf"^{_CLAUSE} (?P<aux>{_DUTY}) (?P<does>\w+(?: \w+){{0,3}}?) (?P<literal>(?P<how>{_BOUND}) {_NUMBER} "
    r"(?P<what>[a-z]+(?: of [a-z ]+?| [a-z]+)?))"
    r"(?P<rest>(?: (?:before|after|during|per|each|every|in|on|for|when|if)\b[^.;]*)?)[.;]?$"
)
_FORBIDDEN: Final = re.compile(
    rf"^{_CLAUSE} (?P<no>must not|may not|shall not|should not|cannot|must never) (?P<what>[^.;]{{4,120}})"
)
_IF: Final = re.compile(r"^(?P<word>If|When|Where|After|Before) (?P<when>[^,.;]{6,110}), (?P<then>[^.;]{10,})")
_DOES: Final = re.compile(rf"\b(?:{_AUX}|do not|{_VERBS})\b", re.IGNORECASE)
_RESPONSIBLE: Final = re.compile(
    r"^(?P<who>(?:The |An? )?[A-Z]?[\w' -]{3,60}?) (?:is|are) responsible for (?P<what>[^.;]{5,120})"
)
_LEAD: Final = re.compile(
    rf"^{_CLAUSE} (?P<aux>{_DUTY}) (?P<does>[a-z]+(?: [a-z]+){{0,3}}?)(?: (?:all of )?the following[^:]*)?:$"
)
_DULL: Final = re.compile(
    r"^(?:introduction|overview|scope|purpose|general|background|summary|contents|appendix.*|annex.*|notes?|references"
    r"|sources|see also|external links|further reading)$",
    re.IGNORECASE,
)
_ITEM: Final = re.compile(r"^(?:[-•*]|\d+[.)]|\([a-z\d]+\)|[a-z][.)])\s+")
_NUMBERED: Final = re.compile(r"^\d+(?:\.\d+)*[.)]?\s+")
_LONGEST_LITERAL: Final = 90


def propose(passage: Passage) -> Iterator[Proposal]:
    """Every question that a rule finds in an English passage of prose."""
    parts = sentences(passage.text)
    for index, part in enumerate(parts):
        text = _HEAD.sub("", " ".join(part.of(passage.text).split()))
        if text.endswith(":"):
            yield from _list(passage, text, [each.of(passage.text) for each in parts[index + 1 : index + 8]])
            continue
        if not 25 <= len(text) <= 320 or _VAGUE.match(text):
            continue
        for rule in (_definition, _within, _order, _count, _forbidden, _condition, _responsible):
            yield from rule(passage, text)
    yield from _heading(passage)


def _definition(passage: Passage, text: str) -> Iterator[Proposal]:
    match = _DEFINED.match(text)
    if match:
        yield Proposal(
            passage, f"What is meant by “{match['name']}”?", (_clause(match["what"]),), "fact", text, weight=1.4
        )


def _within(passage: Passage, text: str) -> Iterator[Proposal]:
    match = _WITHIN.match(text)
    if match:
        rest = re.sub(rf"\s*\b{match['how']} {re.escape(match['literal'])}", "", match["rest"]).strip(" ,")
        asked = f"{_asks(match['how'], match['unit'])} {match['aux'].split()[0]} {lowered(match['who'])} {rest}"
        yield Proposal(passage, f"{asked}?", (match["literal"],), "number", text, weight=1.4)


def _order(passage: Passage, text: str) -> Iterator[Proposal]:
    match = _ORDER.match(text)
    if match:
        rest = re.sub(rf"\s*\b{match['how']} {re.escape(match['literal'])}", "", match["rest"]).strip(" ,")
        asked = f"{_asks(match['how'], match['unit'])} should one {match['verb'].lower()} {rest}"
        yield Proposal(passage, f"{asked}?", (match["literal"],), "number", text, weight=1.2)


def _asks(how: str, unit: str) -> str:
    if how == "every":
        return "How often"
    plural = unit if unit.endswith("s") else f"{unit}s"
    return f"{how.capitalize()} how many {plural}"


def _count(passage: Passage, text: str) -> Iterator[Proposal]:
    match = _COUNT.match(text)
    if match:
        extreme = "smallest" if match["how"] in {"at least", "no fewer than", "a minimum of"} else "largest"
        what = match["what"] if match["what"].split()[0].endswith("s") else f"{match['what']}s"
        who = f"{lowered(match['who'])} {match['aux']} {match['does']}{match['rest']}"
        asked = f"What is the {extreme} number of {what} that {who}?"
        yield Proposal(passage, asked, (match["literal"],), "number", text, weight=1.2)


def _forbidden(passage: Passage, text: str) -> Iterator[Proposal]:
    match = _FORBIDDEN.match(text)
    if match:
        literal = _clause(f"{match['no']} {match['what']}")
        yield Proposal(passage, f"May {lowered(match['who'])} {match['what'].rstrip(' ,')}?", (literal,), "fact", text)


def _condition(passage: Passage, text: str) -> Iterator[Proposal]:
    match = _IF.match(text)
    if match and not _VAGUE.match(match["when"]) and _DOES.search(match["then"]):
        asked = f"What has to be done {match['word'].lower()} {match['when']}?"
        yield Proposal(passage, asked, (_clause(match["then"]),), "scenario", text, weight=1.2)


def _responsible(passage: Passage, text: str) -> Iterator[Proposal]:
    match = _RESPONSIBLE.match(text)
    if match:
        yield Proposal(passage, f"Who is responsible for {match['what']}?", (match["who"],), "fact", text, weight=1.3)


def _list(passage: Passage, lead: str, following: Sequence[str]) -> Iterator[Proposal]:
    items = []
    for each in following:
        plain = " ".join(each.split())
        if not _ITEM.match(plain):
            break
        items.append(_ITEM.sub("", plain).rstrip(";.,"))
    match = _LEAD.match(lead)
    if match and len(items) >= 2 and not _VAGUE.match(lead):
        asked = f"What are the things that {lowered(match['who'])} {match['aux']} {match['does']}"
        yield Proposal(passage, f"{asked}?", tuple(_clause(item) for item in items[:3]), "list", lead, weight=1.2)


def _heading(passage: Passage) -> Iterator[Proposal]:
    name = _NUMBERED.sub("", passage.heading_path[-1].strip()) if passage.heading_path else ""
    first = next((part.of(passage.text) for part in sentences(passage.text) if not part.lead), "")
    literal = _clause(_HEAD.sub("", " ".join(first.split())))
    # A line break in a sentence: a caption or a heading ran into it.
    if passage.kind == "table" or "\n" in first or not first.rstrip('”"’)').endswith((".", "!")):
        return
    if 4 <= len(name) <= 60 and not _DULL.match(name) and len(literal) >= 20:
        asked = f"What does “{passage.document}” say about {lowered(name)}?"
        yield Proposal(passage, asked, (literal,), "fact", first, weight=0.6, named=(name,))


def lowered(text: str) -> str:
    """Without the capital that opened the sentence; an abbreviation or a name (HIGH, iPad, II) keeps its own."""
    first = text.split(" ", 1)[0]
    return text if any(letter.isupper() for letter in first[1:]) else text[:1].lower() + text[1:]


def _clause(text: str) -> str:
    """The beginning of what the answer must say, cut at a comma or a word."""
    text = text.strip().rstrip(".;,")
    if len(text) <= _LONGEST_LITERAL:
        return text
    comma = text.rfind(",", 20, _LONGEST_LITERAL)
    return text[: comma if comma > 0 else text.rfind(" ", 0, _LONGEST_LITERAL)].strip()
