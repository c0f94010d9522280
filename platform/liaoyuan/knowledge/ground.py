"""Is every sentence of an answer carried by the evidence? Words, numbers with units, dates and negation are compared.

No model judges here: the checks are exact, so a refusal can name its reason.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from liaoyuan.knowledge.text.facts import dates, negations, unmatched
from liaoyuan.knowledge.text.normalise import is_chinese, squeeze
from liaoyuan.knowledge.text.segment import bigrams, term_counts, words
from liaoyuan.knowledge.text.sentences import sentences

SUPPORTED_SHARE = 0.6
# A sentence with fewer content words (a greeting, "Yes.") claims nothing that evidence could carry.
_FEWEST_WORDS = 2
_MARK = re.compile(r"\[\d{1,2}\]|［\d{1,2}］|【\d{1,2}】")

# A sentence or a run of signs (spaces aside) of such a length that stands twice, or a short one three times on end, was
# not meant so.
_TWICE_SENTENCE, _TWICE_ZH, _TWICE_EN = 10, 20, 44
_ON_END = re.compile(r"(.{8,}?)\1{2,}", re.DOTALL)

_CLAUSE = re.compile(r"^\s*(?:\d+(?:\.\d+)+|\d+[.)、])\s*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SentenceCheck:
    """One sentence of an answer, with the evidence that carries it best (its index, or None) and what is wrong.

    ``reasons`` are of: unsupported_words, unsupported_number, unsupported_date, negation,
    bare_number.
    """

    start: int
    end: int
    supported: bool
    share: float
    evidence: int | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Groundedness:
    """The verdict on a whole answer: grounded when every sentence is supported."""

    grounded: bool
    share: float
    sentences: tuple[SentenceCheck, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a generated text may be shown: ``carried`` by the evidence, each sentence of it, and without ``flaw``."""

    carried: bool
    flaw: str

    def __bool__(self) -> bool:
        return self.carried and not self.flaw


def may_stand(
    answer: str, evidence: Sequence[str], *, cut: bool = False, told: int = 0, more: bool = False
) -> Standing:
    """Holds what a model wrote against what it was given; every way to a generated answer asks here.

    A text that grows is asked for sentence by sentence: ``answer[:told]`` was let pass already, and ``more`` may come
    (a lead that opens a list is then no flaw). A whole answer must claim something; a sentence of one need not.
    """
    fault = flaw(answer, cut=cut)
    if more and fault == "unfinished":
        fault = ""
    checked = check_grounded(answer[told:], evidence)
    in_part = bool(told or more) and all(check.supported for check in checked.sentences)
    return Standing(checked.grounded or in_part, fault)


def check_grounded(answer: str, evidence: Sequence[str]) -> Groundedness:
    """Checks ``answer`` against the texts of the cited chunks. An answer without any claim is not grounded.

    The number of a clause ("2.1 The fine is …") is no evidence for a number in the answer, so it is taken off first.
    """
    evidence = [_CLAUSE.sub("", text) for text in evidence]
    checks = tuple(
        _check(answer, part.start, part.end, evidence) for part in sentences(answer) if part.of(answer).strip()
    )
    claims = [check for check in checks if check.evidence is not None or check.reasons]
    supported = sum(check.supported for check in claims)
    share = supported / len(claims) if claims else 0.0
    return Groundedness(bool(claims) and supported == len(claims), share, checks)


def flaw(answer: str, *, cut: bool = False) -> str:
    """Why ``answer`` is none although each of its sentences stands in the evidence: ``repeated``, ``unfinished`` or "".

    Small models run in circles, open a list that never comes, or are ``cut`` off by their limit of tokens.
    """
    bare = _MARK.sub("", answer).strip()
    told = [run for run in (squeeze(part.of(bare)) for part in sentences(bare)) if len(run) >= _TWICE_SENTENCE]
    if len(set(told)) < len(told) or _circles(squeeze(bare), _TWICE_ZH if is_chinese(bare) else _TWICE_EN):
        return "repeated"
    return "unfinished" if cut or bare.endswith((":", "：")) else ""


def _circles(run: str, length: int) -> bool:
    starts = range(len(run) - length + 1)
    first: dict[str, int] = {}
    again = any(start - first.setdefault(run[start : start + length], start) >= length for start in starts)
    return again or _ON_END.search(run) is not None


def _check(answer: str, start: int, end: int, evidence: Sequence[str]) -> SentenceCheck:
    sentence = _MARK.sub("", answer[start:end])
    terms = list(dict.fromkeys([*words(sentence), *bigrams(sentence)]))
    if unmatched(sentence, "") and sum(not word.isdigit() for word in words(sentence)) < _FEWEST_WORDS:
        # "1" stands somewhere in any evidence; without the words around it nobody can tell whether it is this one.
        return SentenceCheck(start, end, supported=False, share=0.0, evidence=None, reasons=("bare_number",))
    if len(terms) < _FEWEST_WORDS:
        return SentenceCheck(start, end, supported=True, share=1.0, evidence=None)
    shares = [len(term_counts(terms, text)) / max(1, len(terms)) for text in evidence]
    if not shares:
        return SentenceCheck(start, end, supported=False, share=0.0, evidence=None, reasons=("unsupported_words",))
    best = max(range(len(shares)), key=lambda index: shares[index])
    if squeeze(sentence) in squeeze(evidence[best]):
        return SentenceCheck(start, end, supported=True, share=1.0, evidence=best)
    reasons = _reasons(sentence, evidence[best], evidence, shares[best], terms)
    return SentenceCheck(start, end, supported=not reasons, share=shares[best], evidence=best, reasons=tuple(reasons))


def _reasons(sentence: str, best: str, evidence: Sequence[str], share: float, terms: Sequence[str]) -> list[str]:
    whole = "\n".join(evidence)
    reasons = ["unsupported_words"] if share < SUPPORTED_SHARE else []
    if unmatched(sentence, whole):
        reasons.append("unsupported_number")
    if dates(sentence) - dates(whole):
        reasons.append("unsupported_date")
    if _negation_differs(sentence, best, terms):
        reasons.append("negation")
    return reasons


def _negation_differs(sentence: str, evidence: str, terms: Sequence[str]) -> bool:
    """Whether the evidence's closest sentence says no where the answer says yes, or the reverse."""
    parts = [part.of(evidence) for part in sentences(evidence)]
    if not parts:
        return False
    closest = max(parts, key=lambda part: len(term_counts(terms, part)))
    return (negations(sentence) > 0) != (negations(closest) > 0)
