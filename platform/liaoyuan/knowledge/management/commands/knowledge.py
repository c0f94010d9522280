"""``manage.py knowledge import|text|ask|evaluate``: bring documents in, look at them, ask them, measure them."""

import json
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from liaoyuan.accounts.commands import MODEL_SERVER, POSTGRES, EngineCommand
from liaoyuan.accounts.models import User
from liaoyuan.accounts.resolver import principal_from_session
from liaoyuan.accounts.selectors import organization_by_name
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, LiaoyuanError, NotFound
from liaoyuan.knowledge.adapters.chat import chat_model
from liaoyuan.knowledge.answer import answer_question
from liaoyuan.knowledge.evaluate import collection_evaluate, questions_read
from liaoyuan.knowledge.selectors import collection_by_name, parsed_document, version_of_file
from liaoyuan.knowledge.services import FileOutcome, documents_import
from liaoyuan.knowledge.services.unlocking import files_unlock, passwords_read
from liaoyuan.knowledge.verbs.chunks import chunks_arguments, chunks_verb
from liaoyuan.knowledge.verbs.explaining import explain_arguments, question_explain
from liaoyuan.knowledge.verbs.generations import indexes_show, outdated_show, reindex, reindex_arguments
from liaoyuan.knowledge.verbs.learning import learn_arguments, learn_verb
from liaoyuan.knowledge.verbs.questions import (
    questions_arguments,
    questions_verb,
    verdict_arguments,
    verdict_verb,
)
from liaoyuan.knowledge.verbs.rereading import reread_arguments, reread_verb
from liaoyuan.knowledge.verbs.sources import source_arguments, source_verb


class Command(EngineCommand):
    help = "Import documents into a collection, show what was read, ask questions, measure on known questions."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        bring = verbs.add_parser("import", help="files or folders into a collection, which is made if need be")
        bring.add_argument("paths", nargs="+", type=Path)
        bring.add_argument("--group", action="append", help="only members of this group may read; may be repeated")
        bring.add_argument("--password-file", type=Path, help="passwords, one a line, tried on files that ask for one")
        text = verbs.add_parser("text", help="the blocks of an imported file in reading order")
        text.add_argument("file", type=Path)
        ask = verbs.add_parser("ask", help="one question, answered with citations or not at all")
        ask.add_argument("question")
        ask.add_argument("--user", help="e-mail address of the member who asks (default: all documents)")
        evaluate = verbs.add_parser(
            "evaluate", help="measure on lines {id, question, evidence, must_contain, answerable, date}"
        )
        evaluate.add_argument("--questions", required=True, type=Path)
        indexes = verbs.add_parser("indexes", help="the generations of a collection's index, with their scores")
        stale = verbs.add_parser("outdated", help="documents that an older version of the platform read or cut")
        again = verbs.add_parser("reindex", help="build another generation beside the live one, swap it in, drop it")
        reindex_arguments(again)
        anew = verbs.add_parser("reread", help="read chosen documents again, into the index in use")
        reread_arguments(anew)
        apart = verbs.add_parser("explain", help="one question taken apart: ranks and scores of each step, times")
        explain_arguments(apart)
        apart.add_argument("--user", help="e-mail address of the member who asks (default: all documents)")
        follow = verbs.add_parser("source", help="folders, buckets and web pages that a collection follows")
        source_arguments(follow)
        cut = verbs.add_parser("chunks", help="a document's chunks: look at them, change one, who changed what")
        chunks_arguments(cut)
        why = verbs.add_parser("verdict", help="why an answer was bad, with the proof and where to mend it")
        verdict_arguments(why)
        sets = verbs.add_parser("questions", help="question sets: list, import, make, export, evaluate")
        questions_arguments(sets)
        order = verbs.add_parser("learn", help="learn the order of search from the collection's own questions")
        learn_arguments(order)
        for verb in (ask, evaluate):
            verb.add_argument("--day", type=date.fromisoformat, help="as of this day, YYYY-MM-DD (default: today)")
            verb.add_argument("--mode", choices=["extractive", "generative"], default="extractive")
        for verb in (bring, text, ask, evaluate, indexes, stale, again, anew, apart, follow, cut, why, sets, order):
            verb.add_argument("--organization", required=True)
            verb.add_argument("--collection", required=True)
            verb.add_argument("--json", action="store_true", help="print one JSON object last")

    def engines_needed(self, options: Mapping[str, Any]) -> Collection[str]:
        return (POSTGRES,) if _looks_only(options) else (POSTGRES, MODEL_SERVER)

    def handle(self, *args: Any, **options: Any) -> None:
        verbs = {"import": self._import, "text": self._text, "ask": self._ask, "evaluate": self._evaluate}
        verbs |= {"indexes": self._indexes, "reindex": self._reindex, "explain": self._explain, "source": source_verb}
        verbs |= {"verdict": verdict_verb, "questions": questions_verb, "chunks": chunks_verb}
        verbs |= {"learn": learn_verb, "outdated": self._outdated, "reread": reread_verb}
        try:
            answer = verbs[options["verb"]](options)
        except LiaoyuanError as error:
            self.stderr.write(f"{error.code}: {error.sentence('zh')} {error.sentence('en')}")
            raise SystemExit(1) from error
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=None if options["json"] else 1))

    def _import(self, options: dict[str, Any]) -> dict[str, Any]:
        organization = organization_by_name(options["organization"])
        outcomes = documents_import(
            organization_id=organization.id,
            collection=options["collection"],
            paths=options["paths"],
            groups=options["group"],
            report=self._progress,
        )
        if options["password_file"]:
            outcomes = files_unlock(
                organization_id=organization.id,
                collection=options["collection"],
                outcomes=outcomes,
                passwords=passwords_read(options["password_file"]),
            )
        states = [outcome.state for outcome in outcomes]
        return {
            "collection": options["collection"],
            "files": [outcome.as_dict() for outcome in outcomes],
            "counts": {state: states.count(state) for state in sorted(set(states))},
        }

    def _progress(self, outcome: FileOutcome, done: int, total: int) -> None:
        self.stderr.write(f"{done}/{total} {outcome.state} {outcome.path} {outcome.code}".rstrip())

    def _text(self, options: dict[str, Any]) -> dict[str, Any]:
        organization = organization_by_name(options["organization"])
        with tenant_context(organization.id):
            collection = collection_by_name(options["collection"])
            version = version_of_file(collection.id, options["file"])
            parsed = parsed_document(version)
        return {
            "file": str(options["file"]),
            "title": parsed.title,
            "version": version.label,
            "flags": sorted(parsed.flags),
            "pages": len(parsed.pages),
            "blocks": [block.as_dict() for block in parsed.blocks],
        }

    def _ask(self, options: dict[str, Any]) -> dict[str, Any]:
        organization = organization_by_name(options["organization"])
        groups = _groups_of(options["user"], organization.id) if options["user"] else None
        chat = chat_model() if options["mode"] == "generative" else None
        with tenant_context(organization.id, groups=groups):
            collection = collection_by_name(options["collection"])
            answer = answer_question(
                collection.id, options["question"], mode=options["mode"], chat=chat, day=options["day"]
            )
        return {"question": options["question"]} | answer.as_dict()

    def _indexes(self, options: dict[str, Any]) -> dict[str, Any]:
        return indexes_show(organization_by_name(options["organization"]).id, options["collection"])

    def _outdated(self, options: dict[str, Any]) -> dict[str, Any]:
        return outdated_show(organization_by_name(options["organization"]).id, options["collection"])

    def _reindex(self, options: dict[str, Any]) -> dict[str, Any]:
        return reindex(organization_by_name(options["organization"]).id, options)

    def _explain(self, options: dict[str, Any]) -> dict[str, Any]:
        organization = organization_by_name(options["organization"])
        groups = _groups_of(options["user"], organization.id) if options["user"] else None
        with tenant_context(organization.id, groups=groups):
            return question_explain(options)

    def _evaluate(self, options: dict[str, Any]) -> dict[str, Any]:
        organization = organization_by_name(options["organization"])
        if not options["questions"].is_file():
            raise InvalidInput(detail=str(options["questions"]))
        questions = questions_read(options["questions"])
        chat = chat_model() if options["mode"] == "generative" else None
        with tenant_context(organization.id):
            collection = collection_by_name(options["collection"])
            return collection_evaluate(
                collection.id, questions, mode=options["mode"], chat=chat, day=options["day"]
            ).as_dict()


def _looks_only(options: Mapping[str, Any]) -> bool:
    """Whether the verb reads rows alone: no text has to be embedded for it."""
    match options["verb"]:
        case "chunks":
            return not (options["edit"] or options["disable"] or options["enable"])
        case "source":
            return bool(options["act"] != "sync")
        case "questions":
            return options["do"] in {"list", "import", "export"}
        case verb:
            return verb in {"text", "indexes", "outdated"}


def _groups_of(email: str, organization_id: UUID) -> tuple[str, ...] | None:
    """The groups by which a member reads; somebody of another organization is simply not found."""
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        raise NotFound
    return principal_from_session(user, organization_id).document_groups
