"""The demonstration's five questions and how their answers are shown."""

import json
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.markup import escape

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.config.demo.words import word
from liaoyuan.deployment.answering import Answered, Asker, answer
from liaoyuan.deployment.selectors import deployment_get
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.pipeline.models import Artifact
from liaoyuan.pipeline.storage import storage

COUNT = 5


def pack_questions(pack: IndustryPack, scenario: str) -> list[str]:
    """The pack's own five."""
    return [item.question for item in pack.demo_questions(scenario)]


def document_questions(pack: IndustryPack, scenario: str, dataset_id: UUID) -> list[str]:
    """For a folder of the user's: four held-out questions over four documents, and one that cannot be answered."""
    artifact = Artifact.objects.get(id=dataset_id)
    lines = storage().open_path(artifact.uri).read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["split"] == "eval" and row["answerable"]]
    chosen: dict[str, str] = {}
    for row in rows:
        chosen.setdefault(row["source"]["document"], row["question"])
    answerable = [*chosen.values(), *(row["question"] for row in rows)]
    unanswerable = next(item.question for item in pack.gate_questions(scenario) if not item.answerable)
    first = list(dict.fromkeys(answerable))[: COUNT - 1]
    return [*first, unanswerable]


def ask(*, organization_id: UUID, user_id: UUID, deployment_id: UUID, question: str) -> Answered:
    """One question as the demo's owner."""
    with tenant_context(organization_id, user_id):
        deployment = deployment_get(deployment_id)
    asker = Asker(organization_id=organization_id, user_id=user_id, groups=None)
    return answer(asker=asker, deployment=deployment, question=question)


def answer_print(console: Console, number: int, question: str, answered: Answered, language: str) -> None:
    """Question, answer, and for each citation document, version, page and the quoted sentence."""
    console.print(f"\n[bold]{number}. {escape(question)}[/]", highlight=False)
    style = "yellow" if answered.abstained else "default"
    console.print(f"   [{style}]{escape(answered.text)}[/]", highlight=False)
    for index, citation in enumerate(answered.citations, start=1):
        page = word("page", language, page=citation["page"]) if citation["page"] else ""
        place = " · ".join(str(part) for part in (citation["version"], citation["locator"], page) if part)
        quote = " ".join(str(citation["quote"]).split())
        console.print(
            f"   [dim][{index}] 《{escape(citation['document'])}》 {escape(place)}  “{escape(quote)}”[/]",
            highlight=False,
        )


def answer_row(question: str, answered: Answered) -> dict[str, Any]:
    """For ``var/demo.json``."""
    keys = ("document", "version", "locator", "page", "quote")
    return {
        "question": question,
        "answer": answered.text,
        "abstained": answered.abstained,
        "mode": answered.mode,
        "fell_back": answered.fell_back,
        "seconds": round(answered.seconds, 3),
        "trace": str(answered.trace_id),
        "citations": [{key: citation[key] for key in keys} for citation in answered.citations],
    }
