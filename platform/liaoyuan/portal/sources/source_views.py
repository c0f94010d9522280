"""Sources of a collection: add, test, look ahead, synchronize, and see what became of each item."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from liaoyuan.accounts.policy import allowed
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, LiaoyuanError, NotFound
from liaoyuan.knowledge.sources import services
from liaoyuan.knowledge.sources.connector import check
from liaoyuan.knowledge.sources.models import Gone, Source
from liaoyuan.knowledge.sources.opening import connector_of, kinds_allowed, source_open
from liaoyuan.knowledge.sources.preview import source_preview
from liaoyuan.knowledge.sources.settings import settings_read
from liaoyuan.portal.away import watch
from liaoyuan.portal.documents.selectors import collection_get
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.sources import selectors
from liaoyuan.portal.sources.forms import FORMS, SourceForm

MANAGE = "source.manage"


@page("document.view")
def sources(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """The collection's sources; where they lie is told to those who manage them."""
    collection = collection_get(collection_id)
    may = allowed(request.principal, MANAGE)
    shown = {
        "collection": collection,
        "cards": selectors.source_cards(collection, language()),
        "may": may,
        "kinds": [
            (kind, selectors.ADD_WORDS[kind] if places else selectors.KINDS[kind], selectors.ICONS[kind], bool(places))
            for kind, places in kinds_allowed().items()
        ],
    }
    return render(request, "portal/sources/sources.html", shown)


@page(MANAGE, methods=("GET", "POST"), tenant=False)
def source_new(request: PageRequest, collection_id: UUID, kind: str) -> HttpResponse:
    """Describe a source; "test" looks whether it can be read, "save" keeps it and reads it for the first time."""
    if kind not in FORMS:
        raise NotFound
    with _tenant(request):
        collection = collection_get(collection_id)
        form = FORMS[kind](request.POST or None, places=kinds_allowed()[kind])
    return _form(request, collection, form, None)


@page(MANAGE, methods=("GET", "POST"), tenant=False)
def source_edit(request: PageRequest, source_id: UUID) -> HttpResponse:
    """Other settings for a source; the key that is stored stays unless another is entered."""
    with _tenant(request):
        found = selectors.source_get(source_id)
        form = FORMS[found.kind](request.POST or None, places=kinds_allowed()[found.kind], source=found)
    return _form(request, found.collection, form, found)


@page(MANAGE)
def source(request: PageRequest, source_id: UUID) -> HttpResponse:
    """One source: its state, its items with their reasons, its runs."""
    return render(request, "portal/sources/source.html", _shown(request, source_id))


@page(MANAGE)
def source_live(request: PageRequest, source_id: UUID) -> HttpResponse:
    """What changes while it is read."""
    return render(request, "portal/sources/source_live.html", _shown(request, source_id))


@page(MANAGE, tenant=False)
def preview(request: PageRequest, source_id: UUID) -> HttpResponse:
    """What a synchronization would change; nothing is."""
    with _tenant(request) as tenant:
        found = selectors.source_get(source_id)
        connector = source_open(found)
    told = source_preview(tenant, found, connector)
    with _tenant(request):
        return render(request, "portal/sources/preview.html", {"source": found, "told": told})


@page(MANAGE, methods=("POST",))
def act(request: PageRequest, source_id: UUID) -> HttpResponse:
    """One of the buttons of a source's page."""
    found = selectors.source_get(source_id)
    verb = request.POST.get("verb", "")
    if verb == "remove":
        return _remove(request, found)
    verbs: dict[str, Any] = {
        "sync": (services.source_sync, {}, _("The synchronization has started.")),
        "retry": (services.source_retry, {}, _("The failed items are being read again.")),
        "confirm": (services.source_confirm, {}, _("Agreed: those documents end with this synchronization.")),
        "pause": (services.source_pause, {"paused": True}, _("The source is paused.")),
        "resume": (services.source_pause, {"paused": False}, _("The source goes on.")),
    }
    if verb not in verbs:
        raise InvalidInput(detail="verb")
    service, given, said = verbs[verb]
    service(source_id=source_id, **given)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("source", args=[source_id]))


def _remove(request: PageRequest, found: Source) -> HttpResponse:
    documents = request.POST.get("documents", Gone.KEEP)
    if request.POST.get("confirmed") != "yes":
        card = selectors.source_card(found, language())
        return render(request, "portal/sources/remove.html", {"source": found, "card": card})
    services.source_remove(source_id=found.id, documents=documents)
    messages.success(request, _("The source was removed."))
    return HttpResponseRedirect(reverse("sources", args=[found.collection_id]))


def _form(request: PageRequest, collection: Any, form: SourceForm, found: Source | None) -> HttpResponse:
    reached = None
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("verb") == "test":
                reached = _tested(request, form, found)
            else:
                return _saved(request, collection.id, form, found)
        except LiaoyuanError as error:
            form.add_error(None, error.sentence(language()))
    shown = {"collection": collection, "form": form, "source": found, "reached": reached, "language": language()}
    with _tenant(request):
        shown["kind"] = selectors.KINDS[form.kind]
        status = 422 if form.errors else 200
        return render(request, "portal/sources/form.html", shown, status=status)


def _tested(request: PageRequest, form: SourceForm, found: Source | None) -> Any:
    """Opened inside the tenant's context, asked outside of any transaction."""
    spec = form.spec()
    with _tenant(request):
        if found is not None and not spec.credentials and found.sealed:
            found.settings = settings_read(spec.kind, dict(spec.settings)).model_dump()
            connector = source_open(found)
        else:
            connector = connector_of(settings_read(spec.kind, dict(spec.settings)), dict(spec.credentials or {}))
    return check(connector)


def _saved(request: PageRequest, collection_id: UUID, form: SourceForm, found: Source | None) -> HttpResponse:
    with _tenant(request):
        if found is None:
            made = services.source_add(collection_id=collection_id, spec=form.spec())
            services.source_sync(source_id=made.id)
            messages.success(request, _("The source was added and is being read."))
        else:
            made = services.source_change(source_id=found.id, spec=form.spec())
            messages.success(request, _("The source has new settings; they count from the next synchronization on."))
    return HttpResponseRedirect(reverse("source", args=[made.id]))


def _shown(request: PageRequest, source_id: UUID) -> dict[str, Any]:
    found = selectors.source_get(source_id)
    runs = selectors.runs_stored(found)
    state, q = request.GET.get("state", ""), request.GET.get("q", "").replace("\x00", "").strip()[:200]
    query = request.GET.copy()
    query.pop("page", None)
    return {
        "source": found,
        "card": selectors.source_card(found, language()),
        "runs": selectors.runs_shown(runs, language()),
        "watch": watch(runs[:1]),
        "page": selectors.item_page(found, state, q, request.GET.get("page", "1"), language()),
        "states": [(key, word) for key, (_badge, word) in selectors.ITEM_WORDS.items()],
        "state": state,
        "q": q,
        "query": query.urlencode(),
    }


def _tenant(request: PageRequest) -> Any:
    who = request.principal
    return tenant_context(who.organization_id, who.user_id, groups=who.document_groups)
