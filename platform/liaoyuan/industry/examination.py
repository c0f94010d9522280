"""What ``manage.py industry validate`` and ``industry test`` find out about a pack, without a database or an engine."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liaoyuan.industry.errors import IndustryError
from liaoyuan.industry.loader import Trust, pack_examine
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.plugin import CheckContext, CheckedAnswer
from liaoyuan.industry.schemas import DocumentSpec, Question, ScenarioSpec
from liaoyuan.industry.texts import document_text, squeeze

TextReader = Callable[[str, bytes], str]
# The least that makes a gate mean something; the project's own packs hold more.
FEWEST_QUESTIONS = 30
FEWEST_UNANSWERABLE = 6
FEWEST_DOCUMENTS = 12


@dataclass(frozen=True)
class Problem:
    """One thing to mend: a stable code and the sentence in both languages."""

    code: str
    zh: str
    en: str


@dataclass
class Examination:
    """The result for one folder. ``gates`` are the static ones: {name, value, threshold, passed}."""

    path: Path
    name: str
    version: str = ""
    signed_by: str = ""
    problems: list[Problem] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "version": self.version,
            "path": str(self.path),
            "ok": self.ok,
            "signed_by": self.signed_by,
            "problems": [{"code": p.code, "zh": p.zh, "en": p.en} for p in self.problems],
            "gates": self.gates,
        }


def pack_validate(root: Path, trust: Trust) -> tuple[Examination, IndustryPack | None]:
    """Seal, format, references and code of the pack in ``root``."""
    result = Examination(path=root, name=root.name)
    pack, errors = pack_examine(root, trust)
    result.problems.extend(_problem(error) for error in errors)
    if pack is None:
        return result, None
    result.version, result.signed_by = pack.spec.version, pack.signed_by
    try:
        pack.code()
    except IndustryError as error:
        result.problems.append(_problem(error))
    return result, pack


def pack_test(root: Path, trust: Trust, reader: TextReader = document_text) -> Examination:
    """Validation, then the gate questions against the pack's own documents.

    ``reader`` gives a document's text; the default reads the plain formats, a caller may hand in
    OCR.
    """
    result, pack = pack_validate(root, trust)
    if pack is None or not result.ok:
        return result
    texts = _texts(pack, reader, result)
    for scenario in pack.scenarios.values():
        _gate_sizes(pack, scenario, result)
        for question in (*pack.gate_questions(scenario.name), *pack.demo_questions(scenario.name)):
            _question_check(pack, question, texts, result)
        _domain_checks(pack, scenario, texts, result)
    return result


def _problem(error: IndustryError) -> Problem:
    return Problem(error.code, error.sentence("zh"), error.sentence("en"))


def _texts(pack: IndustryPack, reader: TextReader, result: Examination) -> dict[str, str]:
    """File → text. A scan is left out: nothing here can read it."""
    texts: dict[str, str] = {}
    for document in (d for d in pack.documents.documents if not d.scanned):
        try:
            text = reader(document.file, pack.files[f"documents/{document.file}"])
        except ValueError as error:
            text = ""
            result.problems.append(_bad_document(document, f"it cannot be read: {error}", f"无法读取：{error}"))
        else:
            if not text:
                result.problems.append(
                    _bad_document(
                        document, "it has no text; mark it scanned = true", "没有文字层，请标注 scanned = true"
                    )
                )
        texts[document.file] = text
    return texts


def _bad_document(document: DocumentSpec, en: str, zh: str) -> Problem:
    return Problem("pack_document", f"文档 {document.file}：{zh}。", f"Document {document.file}: {en}.")


def _gate_sizes(pack: IndustryPack, scenario: ScenarioSpec, result: Examination) -> None:
    questions = pack.gate_questions(scenario.name)
    unanswerable = sum(not question.answerable for question in questions)
    asked = {document for question in questions for document, _ in question.gold}
    documents = pack.documents.documents
    covered = sum(any(d.stem.startswith(a) or d.title.startswith(a) for a in asked) for d in documents)
    replaced = len(pack.documents.superseded)
    for name, value, fewest in (
        ("documents", len(documents), FEWEST_DOCUMENTS),
        ("gate_questions", len(questions), FEWEST_QUESTIONS),
        ("unanswerable_questions", unanswerable, FEWEST_UNANSWERABLE),
        ("documents_asked_about", covered, len(documents) - replaced),
    ):
        _gate(result, f"{scenario.name}/{name}", value, fewest)


def _gate(result: Examination, name: str, value: float, threshold: float) -> None:
    passed = value >= threshold
    result.gates.append({"name": name, "value": value, "threshold": threshold, "passed": passed})
    if not passed:
        result.problems.append(
            Problem(
                "pack_gate",
                f"{name} 为 {value}，至少需要 {threshold}。",
                f"{name} is {value}; at least {threshold} is needed.",
            )
        )


def _gold_texts(pack: IndustryPack, document: str, texts: dict[str, str]) -> list[str]:
    """The texts of the files that an evidence entry's DOCUMENT names; none for a scan."""
    named = [d.file for d in pack.documents.documents if d.stem.startswith(document) or d.title.startswith(document)]
    return [texts[file] for file in named if file in texts]


def _question_check(pack: IndustryPack, question: Question, texts: dict[str, str], result: Examination) -> None:
    """Each gold locator and each required string stands in a named document; scans are left to the OCR gate."""
    readable = True
    gold: list[str] = []
    for name, locator in question.gold:
        found = [squeeze(text) for text in _gold_texts(pack, name, texts)]
        readable = readable and bool(found)
        gold.extend(found)
        if found and not any(squeeze(locator) in text for text in found):
            result.problems.append(_absent(question, f"{name}#{locator}"))
    for needle in question.must_contain if readable else ():
        if not any(squeeze(needle) in text for text in gold):
            result.problems.append(_absent(question, needle))


def _absent(question: Question, needle: str) -> Problem:
    return Problem(
        "pack_question",
        f"题目 {question.id}：文档中没有“{needle}”。",
        f"Question {question.id}: the document does not hold “{needle}”.",
    )


def _domain_checks(pack: IndustryPack, scenario: ScenarioSpec, texts: dict[str, str], result: Examination) -> None:
    """A domain check that rejects the pack's own gold answers, with the whole gold documents quoted, is broken."""
    gold = CheckContext(tuple(_gold_answer(pack, q, texts) for q in pack.gate_questions(scenario.name)))
    for name, check in pack.code().checks.items():
        checked = check(gold)
        _gate(result, f"{scenario.name}/domain.{name}", checked.value, 1.0)
        result.problems.extend(Problem("pack_check", f"{name}：{text}", f"{name}: {text}") for text in checked.problems)


def _gold_answer(pack: IndustryPack, question: Question, texts: dict[str, str]) -> CheckedAnswer:
    quotes = [text for name, _ in question.gold for text in _gold_texts(pack, name, texts)]
    return CheckedAnswer(
        question=question,
        answer="；".join(question.must_contain),
        abstained=not question.answerable,
        # A scan gives no text here: its required strings stand for the quotation.
        quotes=tuple(quotes) or question.must_contain,
    )
