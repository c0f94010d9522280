"""evaluation/*.jsonl: questions with gold evidence."""

from typing import Literal

from pydantic import Field, model_validator

from liaoyuan.industry.schemas.base import Identifier, Language, Sentence, Spec

QuestionType = Literal["fact", "number", "scenario", "table", "list", "scan", "version", "unanswerable"]


class Question(Spec):
    """One line. ``evidence`` entries are DOCUMENT#LOCATOR; ``must_contain`` strings stand literally in the document."""

    id: Identifier
    question: Sentence
    language: Language
    evidence: tuple[str, ...]
    must_contain: tuple[str, ...]
    answerable: bool
    type: QuestionType

    @model_validator(mode="after")
    def _agree(self) -> "Question":
        if self.answerable and not (self.evidence and self.must_contain):
            raise ValueError("an answerable question needs evidence and must_contain")
        if not self.answerable and (self.evidence or self.must_contain):
            raise ValueError("a question that must be abstained has neither evidence nor must_contain")
        if self.answerable == (self.type == "unanswerable"):
            raise ValueError("type is 'unanswerable' exactly when answerable is false")
        for entry in self.evidence:
            document, mark, locator = entry.partition("#")
            if not (document and mark and locator):
                raise ValueError(f"evidence {entry!r}: write DOCUMENT#LOCATOR")
        return self

    @property
    def gold(self) -> tuple[tuple[str, str], ...]:
        """The evidence as (document, locator) pairs."""
        return tuple((entry.partition("#")[0], entry.partition("#")[2]) for entry in self.evidence)


class QuestionFile(Spec):
    """A whole file, for checks across its lines."""

    questions: tuple[Question, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_differ(self) -> "QuestionFile":
        ids = [question.id for question in self.questions]
        repeated = sorted({i for i in ids if ids.count(i) > 1})
        if repeated:
            raise ValueError(f"the ids {', '.join(repeated)} are repeated")
        return self
