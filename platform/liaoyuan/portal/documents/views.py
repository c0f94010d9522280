"""Collections, their documents, one document with its pages."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liaoyuan.accounts.policy import allowed, require
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.pages.images import RESOLUTIONS, page_picture, picture_tag
from liaoyuan.knowledge.services import collection_create, document_erase
from liaoyuan.knowledge.services.regrouping import documents_regroup
from liaoyuan.knowledge.services.retrying import versions_retry
from liaoyuan.knowledge.services.unlocking import is_locked, version_unlock
from liaoyuan.knowledge.services.uploading import uploads_waiting
from liaoyuan.portal.documents import listing, pages, selectors
from liaoyuan.portal.documents.forms import CollectionForm, UploadForm, groups_written
from liaoyuan.portal.documents.intake import files_import, samples_import
from liaoyuan.portal.documents.listing import Filters
from liaoyuan.portal.door import PageRequest, language, page

MOST_AT_ONCE = 500
DPI = 144


@page("document.view", methods=("GET", "POST"))
def collections(request: PageRequest) -> HttpResponse:
    """All collections; a posted name makes a new one."""
    form = CollectionForm(request.POST or None)
    if request.method == "POST":
        require(request.principal, "collection.create")
        if form.is_valid():
            made, new = collection_create(name=form.cleaned_data["name"])
            if not new:
                messages.info(request, _("There is a collection of this name already: here it is."))
            return HttpResponseRedirect(reverse("collection", args=[made.id]))
    shown = {
        "cards": selectors.collection_cards(),
        "packs": selectors.sample_packs(language()),
        "rights": selectors.Rights.of(request.principal),
        "form": form,
    }
    return render(request, "portal/documents/collections.html", shown, status=422 if form.errors else 200)


@page("collection.create", methods=("POST",))
def samples_try(request: PageRequest) -> HttpResponse:
    """A collection with a pack's sample documents."""
    require(request.principal, "document.import")
    made = samples_import(pack_name=request.POST.get("pack", "")[:40], language=language())
    return HttpResponseRedirect(reverse("collection", args=[made.id]))


@page("document.view")
def collection(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """One page of a collection's documents."""
    return _collection(request, collection_id)


@page("document.view")
def collection_live(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """The imports under way and the table, fetched again while something happens."""
    return render(request, "portal/documents/live.html", _shown(request, collection_id))


@page("document.import", methods=("POST",))
def collection_upload(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Files of the plain form."""
    found = selectors.collection_get(collection_id)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _collection(request, collection_id, upload=form)
    files_import(collection=found, files=form.cleaned_data["chosen"], groups=form.cleaned_data["groups"])
    count = len(form.cleaned_data["chosen"])
    said = ngettext("%(count)d file arrived and is being read.", "%(count)d files arrived and are being read.", count)
    messages.success(request, said % {"count": count})
    return HttpResponseRedirect(reverse("collection", args=[collection_id]))


@page("document.import", methods=("POST",))
def collection_retry(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Try refused files again: those chosen, or all of them."""
    found = selectors.collection_get(collection_id)
    chosen = _ids(request.POST.getlist("version"))
    versions_retry(collection=found, version_ids=chosen or None)
    messages.success(request, _("The files are being read again."))
    return HttpResponseRedirect(reverse("collection", args=[collection_id]))


@page("document.edit", methods=("POST",))
def collection_regroup(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Change who may read the chosen documents."""
    chosen = selectors.erasure_of(documents_chosen(request, collection_id), collection_id)
    groups = groups_written(request.POST.get("groups", "")[:2000])
    count = documents_regroup(document_ids=[each for each, _name in chosen.documents], groups=groups)
    said = ngettext("%(count)d document has new readers.", "%(count)d documents have new readers.", count)
    messages.success(request, said % {"count": count})
    return HttpResponseRedirect(reverse("collection", args=[collection_id]))


@page("document.erase", methods=("POST",))
def collection_erase(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """First what would go, then, confirmed, the erasure."""
    found = selectors.collection_get(collection_id)
    erasure = selectors.erasure_of(documents_chosen(request, collection_id), collection_id)
    if request.POST.get("confirmed") != "yes":
        shown = {"collection": found, "erasure": erasure}
        return render(request, "portal/documents/erase.html", shown)
    for document_id, _name in erasure.documents:
        document_erase(document_id=document_id)
    count = len(erasure.documents)
    said = ngettext("%(count)d document was erased.", "%(count)d documents were erased.", count)
    messages.success(request, said % {"count": count})
    return HttpResponseRedirect(reverse("collection", args=[collection_id]))


@page("document.view")
def document(request: PageRequest, document_id: UUID) -> HttpResponse:
    """One page of a document, at the block that the address names."""
    shown = pages.document_page(document_id, pages.Wanted.of(request.GET), language())
    rights = selectors.Rights.of(request.principal)
    locked = rights.upload and is_locked(shown.version)
    context = {"shown": shown, "rights": rights, "dpi": DPI, "locked": locked}
    context["may_edit"] = allowed(request.principal, "document.edit")
    context["again"] = selectors.rereading_of([shown.version.id], language()).get(shown.version.id)
    return render(request, "portal/documents/document.html", context)


@page("document.import", methods=("POST",))
def document_unlock(request: PageRequest, document_id: UUID) -> HttpResponse:
    """Open a protected file with its password, which is used once."""
    version = pages.version_for(document_id, pages.Wanted.of(request.GET).version)
    version_unlock(version=version, password=request.POST.get("password", "")[:255])
    messages.success(request, _("The file is open and is being read."))
    return HttpResponseRedirect(reverse("document", args=[document_id]))


@page("document.view", tenant=False, kept=True)
def page_image(request: PageRequest, document_id: UUID, page: int) -> HttpResponse:
    """A page as PNG. The browser keeps it, and asks each time whether it still may."""
    who = request.principal
    dpi = int(request.GET["dpi"]) if request.GET.get("dpi") in {str(each) for each in RESOLUTIONS} else DPI
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        version = pages.version_for(document_id, pages.Wanted.of(request.GET).version)
    tag = picture_tag(version, page, dpi)
    if request.headers.get("If-None-Match") == tag:
        return _kept(HttpResponseNotModified(), tag)
    # No transaction is held while a page is drawn.
    return _kept(HttpResponse(page_picture(version, page, dpi), content_type="image/png"), tag)


def _kept(response: HttpResponse, tag: str) -> HttpResponse:
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response


def _collection(request: PageRequest, collection_id: UUID, upload: UploadForm | None = None) -> HttpResponse:
    rights = selectors.Rights.of(request.principal)
    shown = _shown(request, collection_id) | {
        "upload": upload or UploadForm(),
        "waiting_files": uploads_waiting(collection_id) if rights.upload else [],
        "largest": settings.UPLOAD_FILE_BYTES,
        # The names of the organization's groups are for those who may give rights.
        "known_groups": selectors.groups_known() if rights.upload or rights.regroup else [],
        "states": listing.STATES,
        "sorts": listing.SORT_WORDS,
        "everybody": listing.EVERYBODY,
    }
    return render(request, "portal/documents/collection.html", shown, status=422 if upload else 200)


def _shown(request: PageRequest, collection_id: UUID) -> dict[str, object]:
    filters = Filters.of(request.GET)
    number = request.GET.get("page", "1")
    found = selectors.collection_page(collection_id, filters, number, request.principal, language())
    query = request.GET.copy()
    query.pop("page", None)
    return {"shown": found, "query": query.urlencode()}


def documents_chosen(request: PageRequest, collection_id: UUID) -> Sequence[UUID]:
    """The ticked documents, or all that the filter shows. Raises InvalidInput for none or too many."""
    if request.POST.get("every") == "yes":
        heads = listing.collection_heads(collection_id, Filters.of(request.POST))
        ids = list(heads.values_list("document_id", flat=True)[: MOST_AT_ONCE + 1])
    else:
        ids = _ids(request.POST.getlist("document"))
    if not ids:
        raise InvalidInput(detail=_("choose at least one document"))
    if len(ids) > MOST_AT_ONCE:
        raise InvalidInput(detail=_("at most 500 documents at a time; narrow the filter"))
    return ids


def _ids(texts: Sequence[str]) -> list[UUID]:
    found = []
    for text in texts[: MOST_AT_ONCE + 1]:
        try:
            found.append(UUID(text))
        except ValueError as error:
            raise NotFound from error
    return found
