"""A document's chunks beside its pages: read, edit, split, merge, switch off; and what other settings would make."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from liaoyuan.accounts.policy import allowed
from liaoyuan.accounts.tenancy import Tenant, tenant_context
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.knowledge.services import editing
from liaoyuan.portal.addresses import number_of, uuid_of
from liaoyuan.portal.chunks import previews
from liaoyuan.portal.chunks.selectors import Wanted, desk, tags
from liaoyuan.portal.chunks.words import DONE, SHOWS
from liaoyuan.portal.door import PageRequest, language, page


@page("document.edit")
def chunks(request: PageRequest, document_id: UUID) -> HttpResponse:
    """One page of a document with its chunks, and the form that the address names."""
    return _desk(request, document_id, Wanted.of(request.GET))


@page("document.edit")
def chunks_state(request: PageRequest, document_id: UUID) -> HttpResponse:
    """The tags of the chunks on a page, for the watch on other editors."""
    return JsonResponse({"tags": tags(document_id, Wanted.of(request.GET))})


@page("document.edit", methods=("POST",), tenant=False)
def chunk_change(request: PageRequest, document_id: UUID, chunk_id: UUID, verb: str) -> HttpResponse:
    """One change of one chunk. What was typed and cannot be saved stays on the page, beside what stands there now."""
    who = _who(request)
    try:
        done = _apply(who, chunk_id, verb, request.POST)
    except NotFound:
        raise
    except LiaoyuanError as error:
        return _refused(request, document_id, chunk_id, verb, error)
    lost = uuid_of(request.POST.get("lost", ""))
    if lost is not None and verb in {"edit", "add"}:
        editing.lost_settle(who=who, patch_id=lost)
    messages.success(request, str(DONE[verb]))
    return HttpResponseRedirect(_address(request, document_id, done.go_on))


@page("document.edit", methods=("POST",), tenant=False)
def lost_settle(request: PageRequest, document_id: UUID, patch_id: UUID) -> HttpResponse:
    """Be done with an edit that could not be carried."""
    editing.lost_settle(who=_who(request), patch_id=patch_id)
    messages.success(request, _("Done. It stays in the history."))
    return HttpResponseRedirect(_address(request, document_id, None))


@page("document.edit")
def chunks_preview(request: PageRequest, document_id: UUID) -> HttpResponse:
    """The chunks that the document would become under other settings; nothing is written."""
    wanted = Wanted.of(request.GET)
    target, limit = number_of(request.GET.get("target", "")), number_of(request.GET.get("limit", ""))
    shown = previews.preview_page(document_id, wanted, target=target, limit=limit, language=language())
    may_build = allowed(request.principal, "collection.settings")
    return render(request, "portal/chunks/preview.html", {"shown": shown, "may_build": may_build})


def _desk(request: HttpRequest, document_id: UUID, wanted: Wanted, status: int = 200) -> HttpResponse:
    shown = {"shown": desk(document_id, wanted), "shows": SHOWS}
    sentence = wanted.refused.sentence(language()) if wanted.refused else ""
    return render(request, "portal/chunks/chunks.html", shown | {"sentence": sentence}, status=status)


def _who(request: PageRequest) -> Tenant:
    who = request.principal
    return Tenant(who.organization_id, who.user_id, who.document_groups)


def _apply(who: Tenant, chunk_id: UUID, verb: str, posted: QueryDict) -> editing.Changed:
    """Raises NotFound for a verb that there is not, and whatever the service raises."""
    options: dict[str, Any] = {"who": who, "tag": posted.get("tag") or None}
    text = posted.get("text", "")
    if verb == "add":
        return editing.chunk_add(after=chunk_id, text=text, **options)
    options["chunk_id"] = chunk_id
    if verb == "edit":
        return editing.chunk_edit(text=text, **options)
    if verb == "split":
        return editing.chunk_split(position=number_of(posted.get("position", "")) or 0, **options)
    if verb in {"enable", "disable"}:
        return editing.chunk_enable(enabled=verb == "enable", **options)
    others = {"merge": editing.chunk_merge, "remove": editing.chunk_remove, "restore": editing.chunk_restore}
    if verb not in others:
        raise NotFound
    return others[verb](**options)


def _refused(request: PageRequest, document_id: UUID, chunk_id: UUID, verb: str, error: LiaoyuanError) -> HttpResponse:
    """Without typed words there is nothing to keep: a sentence on the page is enough."""
    if verb not in {"edit", "add"}:
        messages.error(request, error.sentence(language()))
        return HttpResponseRedirect(_address(request, document_id, chunk_id))
    who = request.principal
    here = {name: request.POST.get(name, "") for name in ("version", "page", "show", "lost")}
    asked = here | {"chunk": str(chunk_id), "do": verb}
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        wanted = Wanted.of(asked, text=request.POST.get("text", "")[: editing.LONGEST_TEXT], refused=error)
        return _desk(request, document_id, wanted, status=error.status)


def _address(request: HttpRequest, document_id: UUID, chunk_id: UUID | None) -> str:
    """The page that the form stood on, at the chunk to go on with."""
    query = QueryDict(mutable=True)
    for name in ("version", "page", "show"):
        if request.POST.get(name):
            query[name] = request.POST[name][:40]
    if chunk_id is not None:
        query["chunk"] = str(chunk_id)
    anchor = f"#chunk-{chunk_id}" if chunk_id else ""
    return f"{reverse('chunks', args=[document_id])}?{query.urlencode()}{anchor}"
