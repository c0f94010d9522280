"""Who puts the candidates in order: the platform's learned fusion, reciprocal ranks alone, or a cross-encoder endpoint.

All give :class:`Ranked` with scores that compare as log odds, and the fusion's features: what judges the evidence reads
those, whoever ranked it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import httpx
from django.conf import settings as django_settings

from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.question import Question
from liaoyuan.knowledge.rank import Candidate, Legs, Ranked, Statistics, rank
from liaoyuan.knowledge.rerank_endpoint import RerankEndpoint
from liaoyuan.knowledge.settings import RetrievalSettings

FUSION, NONE = "fusion", "none"
# A cross-encoder reads a passage, not a chapter.
LONGEST_PASSAGE = 4000
_LIMIT = 1e-6
# The best fused score is 1; this spreads the others as far as the fusion's scores lie apart.
_SPREAD = 12.0


class RerankerUnknown(LiaoyuanError):
    code = "reranker_unknown"
    zh = "没有名为“{name}”的重排序服务。已配置的有：{known}。请在文档集设置里重新选择，或让运维配置它。"
    en = "There is no reranker called “{name}”. There are: {known}. Choose another one or have it configured."
    status = 422


class RerankerDown(LiaoyuanError):
    code = "reranker_down"
    zh = "重排序服务“{name}”没有正确应答（{detail}）。请稍后重试；也可以在文档集设置里允许退回内置排序。"
    en = "The reranker “{name}” gave no proper answer ({detail}). Try again, or allow the built-in order."
    status = 503
    retryable = True


@dataclass(frozen=True, slots=True)
class Reranked:
    """The candidates best first, by whom, and what there is to know of it (a fallback is never silent)."""

    ranked: list[Ranked]
    reranker: str
    notes: tuple[str, ...] = ()


class Reranker(Protocol):
    """Orders candidates; every one of them comes back exactly once."""

    @property
    def name(self) -> str: ...
    def order(self, question: Question, candidates: Sequence[Candidate], statistics: Statistics) -> list[Ranked]: ...


@dataclass(frozen=True, slots=True)
class Fusion:
    """The learned fusion of features; ``weights`` are a collection's own where it has some."""

    legs: Legs
    weights: tuple[tuple[str, float], ...] = ()
    name: str = FUSION

    def order(self, question: Question, candidates: Sequence[Candidate], statistics: Statistics) -> list[Ranked]:
        return rank(question, candidates, statistics, legs=self.legs, weights=dict(self.weights) or None)


@dataclass(frozen=True, slots=True)
class ReciprocalRanks:
    """Reciprocal rank fusion of the two searches and nothing else: what a reranker is measured against."""

    legs: Legs
    name: str = NONE

    def order(self, question: Question, candidates: Sequence[Candidate], statistics: Statistics) -> list[Ranked]:
        found = rank(question, candidates, statistics, legs=self.legs)
        best = sorted(found, key=lambda item: -item.features["fusion"])
        return [replace(item, score=item.features["fusion"] * _SPREAD) for item in best]


class CrossEncoder:
    """A ``/rerank`` endpoint as TEI, Jina and Cohere speak it. Raises RerankerDown."""

    def __init__(self, endpoint: RerankEndpoint, legs: Legs | None = None) -> None:
        self._endpoint = endpoint
        self._legs = legs or Legs()
        self.name = endpoint.name

    def order(self, question: Question, candidates: Sequence[Candidate], statistics: Statistics) -> list[Ranked]:
        found = rank(question, candidates, statistics, legs=self._legs)
        scores: dict[int, float] = {}
        for start in range(0, len(found), self._endpoint.batch):
            part = found[start : start + self._endpoint.batch]
            for place, score in self._ask(question.text, [_passage(item.candidate) for item in part]).items():
                scores[start + place] = score
        scored = [
            replace(item, score=_log_odds(scores[place]), features=item.features | {"cross_encoder": scores[place]})
            for place, item in enumerate(found)
        ]
        return sorted(scored, key=lambda item: -item.score)

    def _ask(self, query: str, passages: Sequence[str]) -> dict[int, float]:
        endpoint = self._endpoint
        headers = {"Authorization": f"Bearer {endpoint.secret}"} if endpoint.secret else {}
        try:
            answer = httpx.post(
                f"{endpoint.url}/rerank",
                json=endpoint.body(query, passages),
                headers=headers,
                timeout=endpoint.timeout_seconds,
                follow_redirects=False,
            )
            answer.raise_for_status()
            return _scores(answer.json(), len(passages))
        except httpx.HTTPStatusError as error:
            raise RerankerDown(name=self.name, detail=f"HTTP {error.response.status_code}") from error
        except httpx.HTTPError as error:
            raise RerankerDown(name=self.name, detail=type(error).__name__) from error
        except (ValueError, TypeError, KeyError) as error:
            raise RerankerDown(name=self.name, detail=str(error)[:120]) from error


def rerank(
    question: Question, candidates: Sequence[Candidate], statistics: Statistics, settings: RetrievalSettings
) -> Reranked:
    """Order ``candidates`` as ``settings`` say. Raises RerankerUnknown; RerankerDown unless a fallback is allowed."""
    if not candidates:
        return Reranked([], settings.reranker)
    chosen = reranker_for(settings)
    try:
        return Reranked(chosen.order(question, candidates, statistics), chosen.name)
    except RerankerDown as error:
        if not settings.fallback:
            raise
        instead = _fusion(settings)
        return Reranked(instead.order(question, candidates, statistics), instead.name, (error.sentence("en"),))


def reranker_for(settings: RetrievalSettings) -> Reranker:
    """The reranker that ``settings`` name. Raises RerankerUnknown."""
    if settings.reranker == FUSION:
        return _fusion(settings)
    legs = Legs(settings.vector_weight, settings.lexical_weight)
    if settings.reranker == NONE:
        return ReciprocalRanks(legs)
    endpoint = next((each for each in _endpoints() if each.name == settings.reranker), None)
    if endpoint is None:
        raise RerankerUnknown(name=settings.reranker, known=", ".join(reranker_names()))
    return CrossEncoder(endpoint, legs)


def reranker_names() -> list[str]:
    """Every reranker that a collection may choose."""
    return [FUSION, NONE, *(endpoint.name for endpoint in _endpoints())]


def _fusion(settings: RetrievalSettings) -> Fusion:
    legs = Legs(settings.vector_weight, settings.lexical_weight)
    return Fusion(legs, tuple((settings.learned or {}).items()))


def _endpoints() -> Sequence[RerankEndpoint]:
    return tuple(getattr(django_settings, "RERANKERS", ()))


def _passage(candidate: Candidate) -> str:
    return f"{candidate.title} {candidate.heading}\n{candidate.text}"[:LONGEST_PASSAGE]


def _scores(body: Any, wanted: int) -> dict[int, float]:
    """Scores by place, from ``[{index, score}]`` (TEI) or ``{results: [{index, relevance_score}]}``."""
    listed = body["results"] if isinstance(body, dict) else body
    found = {int(item["index"]): float(item.get("score", item.get("relevance_score"))) for item in listed}
    if set(found) != set(range(wanted)) or not all(math.isfinite(score) for score in found.values()):
        raise ValueError(f"{len(found)} scores for {wanted} passages")
    return found


def _log_odds(score: float) -> float:
    """Probabilities become log odds; raw scores (outside of 0..1) are log odds already."""
    if not 0.0 <= score <= 1.0:
        return score
    bounded = min(max(score, _LIMIT), 1 - _LIMIT)
    return math.log(bounded / (1 - bounded))
