"""One row of every kind in one organization, under the names that the API's paths use for their ids."""

import uuid
from typing import Any

from django.utils import timezone

MARK = "theirs"


def one_of_each(organization: Any, member: Any, mark: str = MARK) -> dict[str, uuid.UUID]:
    """Make them inside the tenant context of ``organization``; ``mark`` stands in every name and text."""
    from liaoyuan.accounts.services import api_key_create, invitation_create

    made = _work(mark) | _documents(organization, mark) | _answers(organization, member, mark)
    made |= _desk(organization, member, mark, made["solution_id"])
    made |= _learnt(organization, mark, made["run_id"])
    made |= _live(organization, member, mark, made)
    key, _ = api_key_create(member=member, name=mark, scopes=frozenset({"ask"}))
    invitation, _ = invitation_create(email=f"{mark}-{uuid.uuid4().hex[:8]}@example.org", role="viewer")  # type: ignore[arg-type]
    return made | {"key_id": key.id, "invitation_id": invitation.id, "member_id": member.id}


def _work(mark: str) -> dict[str, uuid.UUID]:
    from liaoyuan.pipeline.contract import NewArtifact
    from liaoyuan.pipeline.models import StageRun
    from liaoyuan.pipeline.services import artifact_register, pipeline_start, solution_create

    solution, _ = solution_create(name=mark, industry="medical", scenario="guideline-qa")
    pipeline = pipeline_start(solution_id=solution.id)
    run = StageRun.objects.filter(pipeline=pipeline).order_by("position")[0]
    bundle = artifact_register(item=NewArtifact("bundle", mark, ()))
    return {"solution_id": solution.id, "pipeline_id": pipeline.id, "run_id": run.id, "object_id": bundle.id}


def _documents(organization: Any, mark: str) -> dict[str, uuid.UUID]:
    from liaoyuan.knowledge.models import Document, DocumentVersion
    from liaoyuan.knowledge.services import collection_create

    collection, _ = collection_create(name=mark)
    document = Document.objects.create(organization=organization, collection=collection, name=f"{mark}.md")
    version = DocumentVersion.objects.create(
        organization=organization,
        document=document,
        number=1,
        file_name=f"{mark}.md",
        title=mark,
        sha256="0" * 64,
        size=10,
        source_key="none",
        state="in_force",
    )
    owned = {"collection_id": collection.id, "document_id": document.id, "version_id": version.id}
    return owned | _source(collection, mark) | _chunks(version, mark) | _questions(version, mark)


def _source(collection: Any, mark: str) -> dict[str, uuid.UUID]:
    from liaoyuan.knowledge.sources.models import Source

    source = Source.objects.create(
        organization=collection.organization, collection=collection, name=mark, prefix=mark, kind="folder",
        settings={"root": f"/{mark}", "path": "", "owner_groups": {}},
    )  # fmt: skip
    return {"source_id": source.id}


def _questions(version: Any, mark: str) -> dict[str, uuid.UUID]:
    from liaoyuan.knowledge.questions.configuration import configuration_of
    from liaoyuan.knowledge.questions.models import EvaluationRow, EvaluationRun, QuestionSet, TestQuestion

    of = {"organization": version.organization}
    collection = version.document.collection
    listed = QuestionSet.objects.create(collection=collection, name=mark, **of)
    question = TestQuestion.objects.create(
        question_set=listed, number=1, question=mark, language="en", documents=[version.document_id], digest=mark, **of
    )
    evaluation = EvaluationRun.objects.create(
        collection=collection, question_set=listed, number=1, mode="extractive", finished_at=timezone.now(),
        configuration=configuration_of(collection, [], mode="extractive"), **of,
    )  # fmt: skip
    values = {
        "id": str(question.id), "question": mark, "answerable": True, "type": "", "language": "en", "document": "",
        "abstained": True, "confidence": 0.0, "answer": "", "evidence": [], "ranks": [], "wanted": [],
        "must_contain": None, "citations": [], "retrieved": [], "ms": 1.0,
    }  # fmt: skip
    row = EvaluationRow.objects.create(evaluation=evaluation, question_id=question.id, position=0, values=values, **of)
    return {"set_id": listed.id, "question_id": question.id, "evaluation_id": evaluation.id, "row_id": row.id}


def _chunks(version: Any, mark: str) -> dict[str, uuid.UUID]:
    from liaoyuan.knowledge.edits.models import ChunkPatch
    from liaoyuan.knowledge.indexes import live_index
    from liaoyuan.knowledge.models import DIMENSIONS, Chunk

    index = live_index(version.document.collection_id)
    owned = {"organization": version.organization, "version": version, "index": index}
    chunk = Chunk.objects.create(
        **owned, collection_id=index.collection_id, ordinal=0, kind="section", title=mark, text=mark, term_count=1,
        terms="", embedding=[0.0] * DIMENSIONS,
    )  # fmt: skip
    draft = {"kind": "section", "text": mark, "heading_path": [], "locator": "", "page": None, "box": None, "spans": [],
             "origin": "parsed", "enabled": True, "ordinal": 0}  # fmt: skip
    lost = ChunkPatch.objects.create(
        **owned, originals=[draft], results=[draft], state="lost", reason="gone", author=mark, changed_at=timezone.now()
    )
    return {"chunk_id": chunk.id, "edit_id": lost.id, "index_id": index.id}


def _answers(organization: Any, member: Any, mark: str) -> dict[str, uuid.UUID]:
    from liaoyuan.operations.models import Feedback, Trace

    trace = Trace.objects.create(organization=organization, question=mark, answer=mark, mode="extractive")
    Feedback.objects.create(organization=organization, trace=trace, user_id=member.user_id, helpful=True, comment=mark)
    return {"trace_id": trace.id}


def _learnt(organization: Any, mark: str, run_id: uuid.UUID) -> dict[str, uuid.UUID]:
    from liaoyuan.data.models import Dataset, DatasetVersion
    from liaoyuan.training.models import BaseModel, ModelVersion, TrainingRun

    dataset = Dataset.objects.create(organization=organization, name=mark)
    made = {"sha256": "1" * 64, "inputs_sha256": "2" * 64, "recipe": {}, "counts": {"train": 1}, "trace": []}
    version = DatasetVersion.objects.create(organization=organization, dataset=dataset, number=1, **made)
    base, _ = BaseModel.objects.get_or_create(
        sha256="3" * 64,
        defaults={
            "id": uuid.uuid4(), "name": "base", "licence": "Apache-2.0", "parameters": 1, "context_length": 1,
            "languages": ["en"],
        },
    )  # fmt: skip
    behind = {"organization": organization, "base": base, "dataset_version_id": version.id, "parity": {}}
    model = ModelVersion.objects.create(name=mark, adapter_sha256="4" * 64, uri="", metrics={}, **behind)
    training = TrainingRun.objects.create(
        run_id=run_id, key_sha256="5" * 64, recipe={}, report={"name": mark}, model_version=model,
        seconds=2.0, tokens=10, peak_memory_mb=1.0, **behind,
    )  # fmt: skip
    return {"version_id": version.id, "model_id": model.id, "training_id": training.id}


def _live(organization: Any, member: Any, mark: str, made: dict[str, uuid.UUID]) -> dict[str, uuid.UUID]:
    from liaoyuan.deployment.models import Bundle, Deployment, GateReport, Route, RouteTarget
    from liaoyuan.security.models import ComplianceReport, ControlResult, GuardrailPolicyVersion

    of = {"organization": organization}
    bundle = Bundle.objects.create(
        solution_id=made["solution_id"], number=1, collection_id=made["collection_id"], model=mark,
        industry="medical", scenario="guideline-qa", body={}, sha256="6" * 64, **of,
    )  # fmt: skip
    gate = {"name": "recall", "metric": "recall@5", "value": 0.9, "threshold": 0.8, "passed": True}
    GateReport.objects.create(bundle=bundle, passed=True, source="pack", questions=1, gates=[gate], metrics={}, **of)
    deployment = Deployment.objects.create(
        bundle=bundle, solution_id=made["solution_id"], approved_by=member.user_id, approved_at=timezone.now(), **of
    )
    route = Route.objects.create(name=f"{mark}-route", solution_id=made["solution_id"], **of)
    RouteTarget.objects.create(route=route, deployment=deployment, weight=100, **of)
    policy = GuardrailPolicyVersion.objects.create(
        industry="medical", scenario="guideline-qa", version=mark, sha256=uuid.uuid4().hex * 2, **of
    )
    report = ComplianceReport.objects.create(
        solution_id=made["solution_id"], deployment_id=deployment.id, run_id=made["run_id"], policy=policy,
        passed=True, summary={"controls": 1, "failed": []}, **of,
    )  # fmt: skip
    ControlResult.objects.create(
        report=report, control="c", check_kind="audit_chain", title_zh=mark, title_en=mark, source=mark, value=1.0,
        threshold=1.0, direction="at_least", passed=True, **of,
    )  # fmt: skip
    found = {"bundle_id": bundle.id, "deployment_id": deployment.id, "route_id": route.id, "report_id": report.id}
    return {name: uuid.UUID(str(value)) for name, value in found.items()}


def _desk(organization: Any, member: Any, mark: str, solution_id: uuid.UUID) -> dict[str, uuid.UUID]:
    from liaoyuan.deployment.models import Conversation, ConversationTurn
    from liaoyuan.knowledge.models import Upload

    of = {"organization": organization}
    conversation = Conversation.objects.create(user_id=member.user_id, solution_id=solution_id, title=mark, **of)
    ConversationTurn.objects.create(conversation=conversation, key=uuid.uuid4(), question=mark, **of)
    upload = Upload.objects.create(user_id=member.user_id, batch=uuid.uuid4(), name=f"{mark}.md", size=1, **of)
    return {"conversation_id": conversation.id, "upload_id": upload.id}
