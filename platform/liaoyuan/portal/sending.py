"""Files on their way in, as the scripts of pages speak of them: JSON, errors too."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token

from liaoyuan.errors import InvalidInput, LiaoyuanError, NotFound
from liaoyuan.knowledge.errors import PartOutOfPlace
from liaoyuan.knowledge.models import Upload
from liaoyuan.knowledge.services.uploading import PART_BYTES, upload_append, upload_open
from liaoyuan.portal.door import PageRequest, language

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


def file_opened(request: PageRequest, batch: UUID) -> HttpResponse:
    """A file will be sent."""
    row = upload_open(
        batch=batch,
        name=request.POST.get("name", ""),
        size=_number(request.POST.get("size", "")),
        modified=_number(request.POST.get("modified", "") or "0"),
    )
    return JsonResponse(_file(row))


def files_told(request: PageRequest, rows: Iterable[Upload]) -> HttpResponse:
    """What has arrived, and a fresh token for a page whose session began anew."""
    told = {"token": get_token(request), "files": [_file(row) for row in rows]}
    return JsonResponse(told | {"part": PART_BYTES, "largest": settings.UPLOAD_FILE_BYTES})


def part_taken(request: PageRequest, batch: UUID, upload_id: UUID) -> HttpResponse:
    """The body is the part that begins at ``?offset=``; ``X-Part-SHA256`` is its digest, where the sender knows it."""
    row = upload_append(
        upload_id=upload_id,
        batch=batch,
        offset=_number(request.GET.get("offset", "")),
        data=request.body,
        sha256=request.headers.get("X-Part-SHA256", ""),
    )
    return JsonResponse(_file(row))


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
