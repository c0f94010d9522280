"""The extractive answer: sentences of the evidence, word for word, each with its place in the chunk it came from."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liaoyuan.knowledge.parts import question_parts
from liaoyuan.knowledge.question import Kind, Question, analyse, fits
from liaoyuan.knowledge.rank import Ranked, Statistics, share
from liaoyuan.knowledge.text.normalise import squeeze
from liaoyuan.knowledge.text.sentences import Sentence, list_around, sentences

# A clause this short is quoted whole: half a rule misleads.
_WHOLE_CHINESE, _WHOLE_OTHER = 320, 600
_MOST_CHUNKS = 3
# Where no chunk is clearly the one, more are quoted, until one of them is the one with this probability.
_SURE, _MOST_UNSURE = 0.9, 5
# Differences of ranking scores are log odds: how much likelier the better chunk is the one that answers.
_NEAR_TOP = 3.0
_SECOND_HALF = 3.3
_GAIN = 0.05
_PARTS = re.compile(r"[，,；;？?]|以及|(?<!分别)和(?!谐|平|解)")
_PARTS_AMONG, _FEWEST_WORDS = 8, 2
_SCORE_COUNTS, _NEAR_PART = 0.08, 0.85
_NEAR_SENTENCE = 0.6
_FIT_BONUS = 0.35
# 哪两部, "which two": one chunk cannot be all of the answer.
_SEVERAL = re.compile(r"哪[两三几](?:部|个|项|份|条)|分别|\b(?:two|three|respectively|both)\b")
_COMPOUND = re.compile(
    r"分别|哪两|哪几部|各自|以及|和.*?[？?]|[？?，,].*?(?:吗|呢|谁|什么|怎么|多少|哪).*?[？?]|\b(?:both|respectively|and)\b"
)
_CELL_MARK = " | "
_HEAD = re.compile(r"^第[〇零一二两三四五六七八九十百千\d]+条(?:之[一二三四五六七八九十])?[\s\u3000]*")


@dataclass(frozen=True, slots=True)
class Quote:
    """``text`` is ``chunk.text[start:end]``, to the letter. ``header`` is the line of the same table that names its
    columns, where the quote is rows of it alone."""

    chunk_id: str
    start: int
    end: int
    text: str
    score: float
    header: str = ""


def extract(question: Question, ranked: Sequence[Ranked], statistics: Statistics) -> list[Quote]:
    """The quotes that answer ``question``, best chunk first and in reading order inside each."""
    weights = {term: statistics.idf(term) for term in question.terms}
    # The same rule often lies in two files (a Word document and its PDF); it is quoted once.
    quotes: dict[str, Quote] = {}
    for item in _best_pieces(question, _sources(question, ranked, weights, statistics), weights):
        text = item.candidate.text
        for start, end in _passages(question, item, weights):
            header = _header(text, start)
            quote = Quote(item.candidate.chunk_id, start, end, text[start:end], item.score, header)
            quotes.setdefault(squeeze(header + quote.text), quote)
    return list(quotes.values())


def _sources(
    question: Question, ranked: Sequence[Ranked], weights: Mapping[str, float], statistics: Statistics
) -> list[Ranked]:
    """The best chunk, and those beside it that are nearly as good or that speak of what it leaves out."""
    if not ranked:
        return []
    chosen = [ranked[0]]
    for item in _each_part(question, ranked[:_PARTS_AMONG], statistics):
        if item not in chosen:
            chosen.append(item)
    covered = _terms(question, ranked[0], weights)
    compound = bool(_COMPOUND.search(question.text))
    most = _MOST_CHUNKS + 1 if question_parts(question.text) else _MOST_CHUNKS
    for item in ranked[1:most]:
        if item in chosen:
            continue
        found = _terms(question, item, weights)
        gain = share(weights, covered | found) - share(weights, covered)
        behind = ranked[0].score - item.score
        several = bool(_SEVERAL.search(question.text)) and item.candidate.title != ranked[0].candidate.title
        if behind < _NEAR_TOP or (compound and gain > _GAIN and behind < _SECOND_HALF) or several:
            chosen.append(item)
            covered |= found
    chosen += [item for item in _probable(ranked) if item not in chosen]
    return [*chosen, *_valued(question, ranked, chosen)]


def _valued(question: Question, ranked: Sequence[Ranked], chosen: Sequence[Ranked]) -> list[Ranked]:
    """The best chunk that holds the sort of value asked for, where none of those ``chosen`` does."""
    if question.value is None or any(_holds_value(question, item) for item in chosen):
        return []
    return [item for item in ranked[:_MOST_UNSURE] if item not in chosen and _holds_value(question, item)][:1]


def _holds_value(question: Question, item: Ranked) -> bool:
    text = item.candidate.text
    return any(fits(question, part.of(text)) for part in sentences(text))


def _probable(ranked: Sequence[Ranked]) -> list[Ranked]:
    """The best few that hold the answer with probability ``_SURE`` together: scores are log odds."""
    odds = [math.exp(item.score - ranked[0].score) for item in ranked]
    wanted = _SURE * sum(odds)
    return [item for place, item in enumerate(ranked[:_MOST_UNSURE]) if sum(odds[:place]) < wanted]


def depth(question: Question, ranked: Sequence[Ranked] = ()) -> int:
    """How many of the best chunks an answer to ``question`` may quote: more where it asks for several things, or where
    none of those ``ranked`` is clearly the one."""
    return _PARTS_AMONG if _parts(question) else max(_MOST_CHUNKS, len(_probable(ranked)))


def _each_part(question: Question, ranked: Sequence[Ranked], statistics: Statistics) -> list[Ranked]:
    """For a question in parts (拉限负荷谁定，停运设备呢), the chunks that answer each; nothing for a plain one."""
    return [item for part in _parts(question) for item in _best_for(part, ranked, statistics)]


def _parts(question: Question) -> list[Question]:
    """The parts of a question for several things; none of a plain one."""
    parts = [analyse(part) for part in _PARTS.split(question.text)]
    parts = [part for part in parts if len(part.words) >= _FEWEST_WORDS]
    return parts if len(parts) >= _FEWEST_WORDS and _COMPOUND.search(question.text) else []


def _best_for(part: Question, ranked: Sequence[Ranked], statistics: Statistics) -> list[Ranked]:
    weights = {term: statistics.idf(term) for term in part.terms}
    fits_part = [share(weights, _terms(part, item, weights)) + item.score * _SCORE_COUNTS for item in ranked]
    best = max(fits_part)
    near = [item for item, fit in zip(ranked, fits_part, strict=True) if fit >= best * _NEAR_PART]
    return near[:2]


def _terms(question: Question, item: Ranked, weights: Mapping[str, float]) -> set[str]:
    return set(question.counts(weights, item.candidate.text))


def _passages(question: Question, item: Ranked, weights: Mapping[str, float]) -> list[tuple[int, int]]:
    text = item.candidate.text
    if len(text) <= (_WHOLE_CHINESE if question.chinese else _WHOLE_OTHER):
        return [(0, len(text))]
    rows = _rows(text)
    if rows:
        return [(0, len(text))] if question.kind is Kind.LIST else _table_passages(question, text, rows, weights)
    parts = sentences(text)
    scores = [_value(question, part.of(text), weights) for part in parts]
    best = max(scores)
    picked: set[int] = set()
    for index, score in enumerate(scores):
        # What is said in other words than the question's is found by its meaning alone.
        if score >= best * _NEAR_SENTENCE or (parts[index].start, parts[index].end) == item.nearest:
            picked.update(_with_list(question, parts, index))
    return _runs(parts, sorted(picked))


def _rows(text: str) -> list[tuple[int, int]]:
    """The lines of a table chunk, its header first; empty where ``text`` is prose."""
    spans = [(match.start(), match.end()) for match in re.finditer(r"[^\n]+", text)]
    return spans if len(spans) > 1 and all(_CELL_MARK in text[start:end] for start, end in spans) else []


def _header(text: str, start: int) -> str:
    """The header line of a table of which a quote from ``start`` on holds rows alone; else nothing."""
    rows = _rows(text)
    return text[slice(*rows[0])] if rows and start >= rows[0][1] else ""


def _table_passages(
    question: Question, text: str, rows: Sequence[tuple[int, int]], weights: Mapping[str, float]
) -> list[tuple[int, int]]:
    """The rows that the question names, those below each other as one; the header goes along as their context.

    Judged like sentences the header would win: it repeats the question's words and holds no answer, and a neighbouring
    row is a literal quote and yet a wrong one."""
    body = rows[1:]
    values = [_row_value(question, text[start:end], weights) for start, end in body]
    best = max(values)
    if best == 0:
        return [(0, len(text))]
    runs: list[tuple[int, int]] = []
    for place, (start, end) in enumerate(body):
        if values[place] == best:
            joins = bool(runs) and values[place - 1] == best
            runs = [*runs[:-1], (runs[-1][0], end)] if joins else [*runs, (start, end)]
    return runs


def _best_pieces(question: Question, chosen: Sequence[Ranked], weights: Mapping[str, float]) -> list[Ranked]:
    """``chosen`` without the pieces of a long table whose rows name less of what is asked than another piece's do: rows
    of other things are no answer, however near they stand."""
    if question.kind is Kind.LIST:
        return list(chosen)
    named = [_named_by_row(question, item.candidate.text, weights) for item in chosen]
    best: dict[str, float] = {}
    for header, value in named:
        best[header] = max(value, best.get(header, 0.0))
    return [item for item, (header, value) in zip(chosen, named, strict=True) if not header or value >= best[header]]


def _named_by_row(question: Question, text: str, weights: Mapping[str, float]) -> tuple[str, float]:
    """The header of a table and how much its best row names; no header where ``text`` is prose."""
    rows = _rows(text)
    values = [_row_value(question, text[start:end], weights) for start, end in rows[1:]]
    return (text[slice(*rows[0])], max(values)) if rows else ("", 0.0)


def _row_value(question: Question, row: str, weights: Mapping[str, float]) -> float:
    # The first cell names the row; the others may name it too ("as for 110 kV").
    name = row.partition(_CELL_MARK)[0]
    return share(weights, set(question.counts(weights, row))) + share(weights, set(question.counts(weights, name)))


def _value(question: Question, sentence: str, weights: Mapping[str, float]) -> float:
    covered = share(weights, set(question.counts(weights, sentence)))
    return covered + (_FIT_BONUS if covered > 0 and fits(question, sentence) else 0.0)


def _with_list(question: Question, parts: Sequence[Sentence], index: int) -> set[int]:
    """A question for a list gets all its items; an item alone takes along the line that introduces it."""
    first, last = list_around(parts, index)
    if last - first == 1:
        return {index}
    if question.kind in {Kind.LIST, Kind.FACT, Kind.HOW} or not parts[index].item:
        return set(range(first, last))
    return {first, index}


def _runs(parts: Sequence[Sentence], picked: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring sentences make one quote."""
    runs: list[tuple[int, int]] = []
    previous = -2
    for index in picked:
        if index == previous + 1 and runs:
            runs[-1] = (runs[-1][0], parts[index].end)
        else:
            runs.append((parts[index].start, parts[index].end))
        previous = index
    return runs
