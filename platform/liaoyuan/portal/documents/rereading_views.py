"""Documents are read again by today's rules: those chosen in the list, or the one whose page is open."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import ngettext

from liaoyuan.knowledge.services.rereading import documents_reread
from liaoyuan.portal.documents import pages, selectors
from liaoyuan.portal.documents.views import documents_chosen
from liaoyuan.portal.door import PageRequest, page


@page("document.import", methods=("POST",))
def collection_reread(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Those that were ticked, or all that the filter shows."""
    chosen = documents_chosen(request, collection_id)
    documents_reread(collection=selectors.collection_get(collection_id), document_ids=chosen)
    _say(request, len(chosen))
    return HttpResponseRedirect(reverse("collection", args=[collection_id]))


@page("document.import", methods=("POST",))
def document_reread(request: PageRequest, document_id: UUID) -> HttpResponse:
    """All versions of one document."""
    version = pages.version_for(document_id, None)
    documents_reread(collection=version.document.collection, document_ids=[document_id])
    _say(request, 1)
    return HttpResponseRedirect(reverse("document", args=[document_id]))


def _say(request: PageRequest, count: int) -> None:
    said = ngettext(
        "%(count)d document is being read again. Until then it is found as it was.",
        "%(count)d documents are being read again. Until then they are found as they were.",
        count,
    )
    messages.success(request, said % {"count": count})
