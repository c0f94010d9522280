"""The examination of a bundle: the pack's gate questions where they fit the collection, else questions of its own.

A gate question fits when every document that it names is in the collection. An enterprise's own folder rarely holds the
pack's sample documents; then the held-out samples of the dataset, whose answers are the documents' own sentences, are
asked instead, beside the pack's unanswerable questions. The report says which of the two it was.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from liaoyuan.deployment.errors import TooFewQuestions
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import Question, ScenarioSpec
from liaoyuan.knowledge.evaluate import Evaluation, GateQuestion, collection_evaluate
from liaoyuan.pipeline.contract import ArtifactRef
from liaoyuan.pipeline.storage import storage

FEWEST = 5
MOST_SYNTHESISED = 60


@dataclass(frozen=True)
class Examination:
    """``source`` is ``pack`` or ``documents``; ``metrics`` as ``knowledge evaluate`` names them."""

    source: str
    questions: int
    metrics: Mapping[str, Any]
    rows: list[dict[str, Any]]
    intervals: Mapping[str, list[float]] = field(default_factory=dict)


def examine(
    *,
    collection_id: UUID,
    pack: IndustryPack,
    scenario: ScenarioSpec,
    dataset: ArtifactRef | None,
    documents: Sequence[ArtifactRef],
) -> Examination:
    """Ask the questions that fit and measure. Call inside a tenant context. Raises TooFewQuestions."""
    source, questions = questions_for(pack, scenario, dataset, documents)
    if len(questions) < FEWEST:
        raise TooFewQuestions(count=len(questions), least=FEWEST)
    found: Evaluation = collection_evaluate(collection_id, questions, synonyms=pack.synonyms(scenario.name))
    return Examination(source, len(questions), found.metrics, found.rows, found.intervals)


def questions_for(
    pack: IndustryPack, scenario: ScenarioSpec, dataset: ArtifactRef | None, documents: Sequence[ArtifactRef]
) -> tuple[str, list[GateQuestion]]:
    """The source and the questions that this collection can be held to."""
    names = [_plain(text) for document in documents for text in (document.name, str(document.meta.get("title", "")))]
    gate = pack.gate_questions(scenario.name)
    fitting = [question for question in gate if question.answerable and _fits(question, names)]
    unanswerable = [question for question in gate if not question.answerable]
    if len(fitting) * 2 >= sum(question.answerable for question in gate):
        return "pack", [_question(question) for question in (*fitting, *unanswerable)]
    own = _held_out(dataset) if dataset is not None else []
    return "documents", [*own, *(_question(question) for question in unanswerable)] if own else []


def _fits(question: Question, names: Sequence[str]) -> bool:
    wanted = [_plain(evidence.split("#")[0]) for evidence in question.evidence]
    return all(any(name.startswith(document) for name in names) for document in wanted)


def _plain(name: str) -> str:
    return "".join(name.split()).lower()


def _question(question: Question) -> GateQuestion:
    return GateQuestion(
        id=question.id,
        question=question.question,
        evidence=tuple(question.evidence),
        must_contain=tuple(question.must_contain),
        answerable=question.answerable,
    )


def _held_out(dataset: ArtifactRef) -> list[GateQuestion]:
    """Questions of the dataset's evaluation split, evenly taken; the answering sentence is the key."""
    lines = storage().open_path(dataset.uri).read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["split"] == "eval" and row["answerable"]]
    step = max(1, len(rows) // MOST_SYNTHESISED)
    return [
        GateQuestion(
            id=row["id"],
            question=row["question"],
            evidence=(f"{row['source']['document']}#{row['source']['locator'] or row['answer'][:12]}",),
            must_contain=(row["answer"],),
        )
        for row in rows[::step][:MOST_SYNTHESISED]
    ]
