"""Files of a draft on their way in: opened, sent in parts, removed. The page's script speaks to these in JSON."""

from uuid import UUID

from django.http import HttpResponse, JsonResponse

from liaoyuan.knowledge.services.uploading import upload_remove
from liaoyuan.pipeline.errors import DraftStarted
from liaoyuan.pipeline.models import SolutionDraft
from liaoyuan.pipeline.selectors import draft_get
from liaoyuan.portal.door import PageRequest, page
from liaoyuan.portal.sending import file_opened, files_told, in_json, part_taken
from liaoyuan.portal.wizard.services import uploads_of


@page("document.import", methods=("GET", "POST"))
@in_json
def uploads(request: PageRequest, draft_id: UUID) -> HttpResponse:
    """GET: what has arrived. POST: a file will be sent."""
    draft = _open_draft(draft_id)
    return file_opened(request, draft.id) if request.method == "POST" else files_told(request, uploads_of(draft))


@page("document.import", methods=("POST",))
@in_json
def upload_part(request: PageRequest, draft_id: UUID, upload_id: UUID) -> HttpResponse:
    """One part of a file."""
    return part_taken(request, _open_draft(draft_id).id, upload_id)


@page("document.import", methods=("POST",))
@in_json
def upload_end(request: PageRequest, draft_id: UUID, upload_id: UUID) -> HttpResponse:
    """The file is not wanted any more."""
    upload_remove(upload_id=upload_id, batch=_open_draft(draft_id).id)
    return JsonResponse({})


def _open_draft(draft_id: UUID) -> SolutionDraft:
    draft = draft_get(draft_id)
    if draft.pipeline_id is not None:
        raise DraftStarted
    return draft
