"""What starts a solution from the portal: documents on their way, the solution, its first pass; all of it once."""

from uuid import UUID

from liaoyuan.accounts.services import audit_record
from liaoyuan.errors import LiaoyuanError
from liaoyuan.industry.selectors import industry_get, scenario_get
from liaoyuan.knowledge.models import Collection, Upload
from liaoyuan.knowledge.services import collection_create
from liaoyuan.knowledge.services.uploading import uploads_import
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.errors import SolutionNameTaken
from liaoyuan.pipeline.models import DocumentSource, Pipeline, RunState, Solution, SolutionDraft, StageRun
from liaoyuan.pipeline.services import draft_change, draft_locked, pipeline_start, solution_create, solution_name
from liaoyuan.portal.documents.intake import samples_import


class DraftIncomplete(LiaoyuanError):
    code = "draft_incomplete"
    zh = "还没有选好场景与文档。请先完成前面的步骤。"
    en = "The scenario or the documents are not chosen yet. Complete the earlier steps first."
    status = 409


class FilesOnTheirWay(LiaoyuanError):
    code = "files_on_their_way"
    zh = "还有 {count} 个文件没有传完。请等它们传完，或从列表中移除。"
    en = "{count} files have not arrived whole. Let them finish, or remove them from the list."
    status = 409


class NoDocuments(LiaoyuanError):
    code = "no_documents"
    zh = "还没有文档。请选择文件，或改用示例文档。"
    en = "There are no documents yet. Choose files, or take the sample documents."
    status = 422


class CollectionEmpty(LiaoyuanError):
    code = "collection_empty"
    zh = "“{name}”里还没有可用的文档。请先上传，或另选一个文档集。"
    en = "“{name}” holds no document yet. Upload some, or choose another collection."
    status = 422


def scenario_choose(*, draft_id: UUID, scenario: str, name: str) -> SolutionDraft:
    """Raises ScenarioUnknown, SolutionNameTaken, InvalidInput, NotFound, DraftStarted."""
    draft = draft_locked(draft_id)
    scenario_get(draft.industry, scenario)
    clean = solution_name(name)
    if Solution.objects.filter(name=clean).exists():
        raise SolutionNameTaken(name=clean)
    return draft_change(draft_id=draft_id, scenario=scenario, name=clean)


def samples_choose(*, draft_id: UUID) -> SolutionDraft:
    """The pack's own documents; they are imported when the solution starts."""
    return draft_change(draft_id=draft_id, source=DocumentSource.SAMPLE, collection_id=None)


def collection_choose(*, draft_id: UUID, collection: Collection) -> SolutionDraft:
    """Documents that are here already, or being imported. Raises CollectionEmpty."""
    coming = _imports_open(collection)
    if not coming and not collection.documents.filter(erased_at__isnull=True).exists():
        raise CollectionEmpty(name=collection.name)
    return draft_change(draft_id=draft_id, source=DocumentSource.COLLECTION, collection_id=collection.id)


def uploads_choose(*, draft_id: UUID, collection: Collection | None, name: str) -> SolutionDraft:
    """Import what has arrived into ``collection``, or into a new one called ``name``; the import begins at once.

    Raises FilesOnTheirWay, NoDocuments, InvalidInput.
    """
    draft = draft_locked(draft_id)
    waiting = [upload for upload in uploads_of(draft) if not upload.complete]
    if waiting:
        raise FilesOnTheirWay(count=len(waiting))
    if not uploads_of(draft) and not draft.imports:
        raise NoDocuments
    target = collection or collection_create(name=solution_name(name))[0]
    run = uploads_import(batch=draft.id, collection=target)
    imports = [*draft.imports, run.id] if run else list(draft.imports)
    return draft_change(draft_id=draft_id, source=DocumentSource.UPLOAD, collection_id=target.id, imports=imports)


def uploads_of(draft: SolutionDraft) -> list[Upload]:
    """The files of the draft that were not imported yet, in the order in which they were chosen."""
    files = Upload.objects.filter(batch=draft.id, user_id=draft.user_id, import_run__isnull=True)
    return list(files.order_by("created_at", "name"))


def draft_start(*, draft_id: UUID, version: int, language: str) -> Pipeline:
    """Start what the person saw. A second click finds the draft started.

    Raises NotFound, DraftStarted, DraftChanged, DraftIncomplete, SolutionNameTaken.
    """
    draft = draft_locked(draft_id, version=version)
    if not draft.scenario or not draft.source:
        raise DraftIncomplete
    scenario_get(draft.industry, draft.scenario)
    collection = _collection(draft, language)
    solution, created = solution_create(
        name=draft.name, industry=draft.industry, scenario=draft.scenario, collection_id=collection.id
    )
    if not created:
        raise SolutionNameTaken(name=draft.name)
    _note(solution)
    after = [*draft.imports, *(run.id for run in _imports_open(collection))]
    pipeline = pipeline_start(solution_id=solution.id, idempotency_key=f"draft:{draft.id}", after=_open(after))
    draft_change(draft_id=draft.id, solution_id=solution.id, pipeline_id=pipeline.id)
    return pipeline


def sample_start(*, industry: str, scenario: str, language: str) -> Solution:
    """A solution over the pack's own documents, at one click; the same click again finds the same solution.

    Raises IndustryUnknown, ScenarioUnknown, SolutionNameTaken.
    """
    spec = industry_get(industry).scenario(scenario)
    title = spec.title.in_language(language)
    name = f"{title}（示例）" if language == "zh" else f"{title} (sample)"
    collection = samples_import(pack_name=industry, language=language)
    solution, created = solution_create(name=name, industry=industry, scenario=scenario, collection_id=collection.id)
    if created:
        _note(solution)
    after = [run.id for run in _imports_open(collection)]
    pipeline_start(solution_id=solution.id, idempotency_key=f"sample:{solution.id}", after=after)
    return solution


def _collection(draft: SolutionDraft, language: str) -> Collection:
    if draft.source == DocumentSource.SAMPLE:
        return samples_import(pack_name=draft.industry, language=language)
    found = Collection.objects.filter(id=draft.collection_id).first() if draft.collection_id else None
    if found is None:
        raise DraftIncomplete
    return found


def _imports_open(collection: Collection) -> list[StageRun]:
    """The newest import of a collection, if it has not succeeded: nothing can be curated before it has."""
    runs = StageRun.objects.filter(stage=StageName.INGEST, spec__collection_id=str(collection.id))
    newest = runs.order_by("-created_at").first()
    return [newest] if newest is not None and newest.state != RunState.SUCCEEDED else []


def _open(ids: list[UUID]) -> list[UUID]:
    """Those that have not succeeded, each once."""
    done = set(StageRun.objects.filter(id__in=ids, state=RunState.SUCCEEDED).values_list("id", flat=True))
    return [each for each in dict.fromkeys(ids) if each not in done]


def _note(solution: Solution) -> None:
    detail = {"industry": solution.industry, "scenario": solution.scenario}
    audit_record(action="solution.create", object_kind="solution", object_id=solution.id, detail=detail)
