"""Files of a draft on their way in: opened, sent in parts, removed. The page's script speaks to these in JSON."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token

from liaoyuan.errors import InvalidInput, LiaoyuanError, NotFound
from liaoyuan.knowledge.errors import PartOutOfPlace
from liaoyuan.knowledge.models import Upload
from liaoyuan.knowledge.services.uploading import PART_BYTES, upload_append, upload_open, upload_remove
from liaoyuan.pipeline.errors import DraftStarted
from liaoyuan.pipeline.models import SolutionDraft
from liaoyuan.pipeline.selectors import draft_get
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.wizard.services import uploads_of

View = Callable[..., HttpResponse]
LONGEST_NUMBER = 15


def in_json(view: View) -> View:
    """An error of ours as JSON with its own status. The missing stays the same 404 as everywhere."""

    @wraps(view)
    def run(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound:
            raise
        except LiaoyuanError as error:
            told: dict[str, Any] = {"code": error.code, "message": error.sentence(language())}
            if isinstance(error, PartOutOfPlace):
                told["received"] = error.params["received"]
            return JsonResponse(told | {"retryable": error.retryable}, status=error.status)

    return run


@page("document.import", methods=("GET", "POST"))
@in_json
def uploads(request: PageRequest, draft_id: UUID) -> HttpResponse:
    """GET: what has arrived, and a fresh token for a page whose session began anew. POST: a file will be sent."""
    draft = _open_draft(draft_id)
    if request.method == "POST":
        row = upload_open(
            batch=draft.id,
            name=request.POST.get("name", ""),
            size=_number(request.POST.get("size", "")),
            modified=_number(request.POST.get("modified", "") or "0"),
        )
        return JsonResponse(_file(row))
    return JsonResponse(
        {
            "token": get_token(request),
            "files": [_file(row) for row in uploads_of(draft)],
            "part": PART_BYTES,
            "largest": settings.UPLOAD_FILE_BYTES,
        }
    )


@page("document.import", methods=("POST",))
@in_json
def upload_part(request: PageRequest, draft_id: UUID, upload_id: UUID) -> HttpResponse:
    """The body is the part that begins at ``?offset=``; ``X-Part-SHA256`` is its digest, where the sender knows it."""
    draft = _open_draft(draft_id)
    row = upload_append(
        upload_id=upload_id,
        batch=draft.id,
        offset=_number(request.GET.get("offset", "")),
        data=request.body,
        sha256=request.headers.get("X-Part-SHA256", ""),
    )
    return JsonResponse(_file(row))


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


def _file(row: Upload) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "size": row.size,
        "modified": row.modified,
        "received": row.received,
    }


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER):
        raise InvalidInput(detail=text[:LONGEST_NUMBER])
    return int(text)
