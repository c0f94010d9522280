"""An answer's text as lines of words and citation marks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liaoyuan.deployment.answering import FELL_BACK_EN, FELL_BACK_ZH
from liaoyuan.knowledge.ground import check_grounded

_MARK: Final = re.compile(r"\s*[\[［【](\d{1,2})[\]］】]")


@dataclass(frozen=True)
class Piece:
    """Words, or (``mark`` above 0) the number of a citation."""

    text: str
    mark: int = 0


Line = Sequence[Piece]


def body_of(answer: Mapping[str, Any]) -> str:
    """The answer itself, without the notices that the page shows in places of their own."""
    text = str(answer.get("text", ""))
    for notice in (str(answer.get("escalation", "")), FELL_BACK_ZH, FELL_BACK_EN):
        if notice and text.startswith(notice):
            text = text[len(notice) :].lstrip("\n")
    return text


def lines_of(answer: Mapping[str, Any]) -> list[Line]:
    """The body, line by line, with a mark behind every sentence that a citation carries."""
    citations: Sequence[Mapping[str, Any]] = answer.get("citations", [])
    body = body_of(answer)
    numbers = _numbers(citations, generative=answer.get("mode") == "generative")
    if numbers and not any(int(found[1]) in numbers for found in _MARK.finditer(body)):
        body = _marked(body, citations)
        numbers = {number: number for number in range(1, len(citations) + 1)}
    return [_line(line, numbers) for line in body.split("\n") if line.strip()]


def _numbers(citations: Sequence[Mapping[str, Any]], *, generative: bool) -> dict[int, int]:
    """What a number in the text means. A model numbers the passages that it was given, quotes number themselves."""
    if not generative:
        return {number: number for number in range(1, len(citations) + 1)}
    chunks = [citation.get("chunk_id") for citation in citations]
    return {number: chunks.index(chunk) + 1 for number, chunk in enumerate(dict.fromkeys(chunks), start=1)}


def _marked(body: str, citations: Sequence[Mapping[str, Any]]) -> str:
    """A text without marks gets them: behind each sentence the quote that carries it best."""
    parts, position = [], 0
    for check in check_grounded(body, [str(citation.get("quote", "")) for citation in citations]).sentences:
        if check.supported and check.evidence is not None:
            end = check.start + len(body[check.start : check.end].rstrip())
            parts += [body[position:end], f"[{check.evidence + 1}]"]
            position = end
    return "".join([*parts, body[position:]])


def _line(line: str, numbers: Mapping[int, int]) -> Line:
    pieces, position = [], 0
    for found in _MARK.finditer(line):
        number = numbers.get(int(found[1]), 0)
        if number:
            pieces += [Piece(line[position : found.start()]), Piece("", number)]
            position = found.end()
    return [piece for piece in [*pieces, Piece(line[position:])] if piece.text or piece.mark]
