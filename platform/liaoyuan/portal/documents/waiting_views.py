"""The files of a collection's imports: try again, cancel."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import ngettext

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.waiting.services import items_cancel, items_retry
from liaoyuan.portal.documents.selectors import collection_get
from liaoyuan.portal.door import PageRequest, page

MOST_AT_ONCE: Final = 500


@page("document.import", methods=("POST",))
def files_retry(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Try files again: the one whose button was pressed, or all that failed."""
    runs = items_retry(collection=collection_get(collection_id), item_ids=_chosen(request))
    count = len(runs)
    said = ngettext("Tried again in %(count)d import.", "Tried again in %(count)d imports.", count)
    messages.success(request, said % {"count": count})
    return HttpResponseRedirect(reverse("collection", args=[collection_id]))


@page("document.import", methods=("POST",))
def files_cancel(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Take files out of the line: one, or all."""
    count = items_cancel(collection=collection_get(collection_id), item_ids=_chosen(request))
    said = ngettext("%(count)d file left the line.", "%(count)d files left the line.", count)
    messages.success(request, said % {"count": count})
    return HttpResponseRedirect(reverse("collection", args=[collection_id]))


def _chosen(request: PageRequest) -> list[UUID] | None:
    try:
        return [UUID(text) for text in request.POST.getlist("item")[:MOST_AT_ONCE]] or None
    except ValueError as error:
        raise NotFound from error
