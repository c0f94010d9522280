"""``manage.py knowledge verdict`` and ``knowledge questions``: why an answer was bad; question sets by command."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from liaoyuan.accounts.models import User
from liaoyuan.accounts.resolver import principal_from_session
from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.questions.errors import SetUnknown
from liaoyuan.knowledge.questions.evaluating import evaluation_start
from liaoyuan.knowledge.questions.models import EvaluationRow, EvaluationRun, QuestionSet, QuestionState
from liaoyuan.knowledge.questions.proposing import USUAL, synthesis_start
from liaoyuan.knowledge.questions.selectors import set_lines, sets_of
from liaoyuan.knowledge.questions.services import questions_import
from liaoyuan.knowledge.questions.verdict import Case, case_of_row, case_of_text, verdict_of
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_execute


def verdict_arguments(parser: ArgumentParser) -> None:
    """What ``knowledge verdict`` takes."""
    parser.add_argument("question", nargs="?", default="", help="the question that was answered badly")
    parser.add_argument("--expected", default="", help="the document's own words that the answer should have said")
    parser.add_argument("--answer", help="what was answered (default: it is asked now)")
    parser.add_argument("--unanswerable", action="store_true", help="it should not have been answered at all")
    parser.add_argument("--user", help="e-mail address of the member who asked (default: all documents)")
    parser.add_argument("--row", type=UUID, help="a row of an evaluation instead of a question")


def verdict_verb(options: dict[str, Any]) -> dict[str, Any]:
    """The cause, its proof and the screens that mend it."""
    organization = organization_by_name(options["organization"])
    groups = _groups(options["user"], organization.id) if options["user"] else None
    with tenant_context(organization.id):
        collection = collection_by_name(options["collection"])
        return verdict_of(_case(collection, options, groups)).as_dict()


def _case(collection: Collection, options: dict[str, Any], groups: tuple[str, ...] | None) -> Case:
    if options["row"]:
        rows = EvaluationRow.objects.select_related("evaluation__collection", "evaluation__question_set")
        found = rows.filter(id=options["row"], evaluation__collection=collection).first()
        if found is None:
            raise NotFound
        return case_of_row(found)
    if not options["question"].strip():
        raise InvalidInput(detail="QUESTION or --row")
    return case_of_text(
        collection_id=collection.id,
        question=options["question"],
        expected=options["expected"],
        answer=options["answer"],
        answerable=not options["unanswerable"],
        groups=groups,
    )


def _groups(email: str, organization_id: UUID) -> tuple[str, ...] | None:
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        raise NotFound
    return principal_from_session(user, organization_id).document_groups


def questions_arguments(parser: ArgumentParser) -> None:
    """What ``knowledge questions`` takes."""
    parser.add_argument("do", choices=["list", "import", "make", "export", "evaluate"])
    parser.add_argument("--set", default="", help="the set's name")
    parser.add_argument("--file", type=Path, help="import: a JSONL, CSV or XLSX file")
    parser.add_argument("--review", action="store_true", help="import: into the review queue")
    parser.add_argument("--target", type=int, default=USUAL, help="make: how many questions")
    parser.add_argument("--mode", choices=["extractive", "generative"], default="extractive")


def questions_verb(options: dict[str, Any]) -> dict[str, Any]:
    """List, import, make, export or evaluate; jobs are carried out in this process."""
    organization = organization_by_name(options["organization"])
    verbs = {"list": _list, "import": _import, "make": _make, "export": _export, "evaluate": _evaluate}
    return verbs[options["do"]](organization.id, options)


def _list(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    with tenant_context(organization_id):
        sets = sets_of(collection_by_name(options["collection"]).id)
        return {"sets": [_set_shown(each) for each in sets]}


def _set_shown(row: QuestionSet) -> dict[str, Any]:
    counts = {state.value: getattr(row, f"n_{state.value}") for state in QuestionState}
    return {"name": row.name, "state": row.state, "kind": row.kind, "thresholds": row.thresholds, **counts}


def _import(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    path = options["file"]
    if path is None or not path.is_file():
        raise InvalidInput(detail="--file")
    with tenant_context(organization_id):
        outcome = questions_import(
            collection_id=collection_by_name(options["collection"]).id,
            path=path,
            name=path.name,
            set_name=options["set"],
            review=options["review"],
        )
    bad = [{"line": line.number, "zh": line.reason_zh, "en": line.reason_en} for line in outcome.bad]
    unknown = outcome.unknown_documents
    return {"added": outcome.added, "renewed": outcome.renewed, "bad": bad, "unknown_documents": unknown}


def _make(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    with tenant_context(organization_id):
        collection = collection_by_name(options["collection"])
        run = synthesis_start(collection_id=collection.id, set_name=options["set"], target=options["target"])
    return _carried_out(organization_id, run.id)


def _evaluate(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    with tenant_context(organization_id):
        home = _set(collection_by_name(options["collection"]).id, options["set"])
        made = evaluation_start(collection_id=home.collection_id, set_id=home.id, mode=options["mode"], answered=True)
    if made.run_id is None:
        raise NotFound
    _carried_out(organization_id, made.run_id)
    with tenant_context(organization_id):
        done = EvaluationRun.objects.get(id=made.id)
    numbers = {"evaluation": str(done.id), "number": done.number, "n": done.count}
    return {**numbers, **done.metrics, "intervals": done.intervals, "configuration": done.configuration}


def _carried_out(organization_id: UUID, run_id: UUID) -> dict[str, Any]:
    state = stage_run_execute(run_id=run_id, worker="command")
    with tenant_context(organization_id):
        run = StageRun.objects.get(id=run_id)
    return {"run": str(run.id), "state": state or run.state, **run.result, "error": run.error}


def _export(organization_id: UUID, options: dict[str, Any]) -> dict[str, Any]:
    with tenant_context(organization_id):
        home = _set(collection_by_name(options["collection"]).id, options["set"])
        rows = home.questions.filter(state="approved").order_by("number")
        return {"questions": set_lines(list(rows))}


def _set(collection_id: UUID, name: str) -> QuestionSet:
    found = QuestionSet.objects.filter(collection_id=collection_id, name=name).first()
    if found is None:
        raise SetUnknown(name=name)
    return found
