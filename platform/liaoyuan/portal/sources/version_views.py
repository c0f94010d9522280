"""A document's versions: their days, their differences, and what people decide about them."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from liaoyuan.accounts.policy import allowed
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.services.comparing import TooLargeToCompare, versions_compare
from liaoyuan.knowledge.services.versioning import (
    Decision,
    version_days_change,
    version_put_in_force,
    version_withdraw,
)
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.sources.versions import Step, steps, versions_page

DECIDES: Final = "document.import"


@page("document.view", tenant=False)
def versions(request: PageRequest, document_id: UUID) -> HttpResponse:
    """The timeline, the versions, and one of them beside another."""
    who = request.principal
    may = allowed(who, DECIDES)
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        shown = versions_page(document_id, language(), request.GET, may=may)
    lines: list[Step] = []
    pages, found, refused = 1, None, ""
    if shown.before and shown.after:
        try:
            # No transaction is held while a book is compared.
            found = versions_compare(shown.before, shown.after)
            lines, pages = steps(found, everything=request.GET.get("all") == "1", page=_number(request.GET.get("page")))
        except TooLargeToCompare as error:
            refused = error.sentence(language())
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "shown": shown,
        "found": found,
        "refused": refused,
        "lines": lines,
        "pages": range(1, pages + 1),
        "number": _number(request.GET.get("page")),
        "query": query.urlencode(),
        "inline": request.GET.get("view") == "inline",
        "everything": request.GET.get("all") == "1",
        "may": may,
    }
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        return render(request, "portal/sources/versions.html", context)


@page(DECIDES, methods=("POST",))
def decide(request: PageRequest, document_id: UUID) -> HttpResponse:
    """First what would happen to every version, then, confirmed, the decision."""
    version = versions_readable().select_related("document__collection")
    found = version.filter(document_id=document_id, id=_uuid(request.POST.get("version", ""))).first()
    if found is None:
        raise NotFound
    confirmed = request.POST.get("confirmed") == "yes"
    verb = request.POST.get("verb", "")
    decision = _decided(verb, found.id, request.POST, only_tell=not confirmed)
    if confirmed:
        messages.success(request, _("The versions have new days. They count from the next question on."))
        return HttpResponseRedirect(reverse("versions", args=[document_id]))
    kept = {name: request.POST.get(name, "") for name in ("verb", "version", "day", "until", "previous")}
    shown = {"version": found, "decision": decision, "kept": kept, "verb": verb}
    return render(request, "portal/sources/decide.html", shown)


def _decided(verb: str, version_id: UUID, given: Any, *, only_tell: bool) -> Decision:
    day, until = _day(given.get("day", "")), _day(given.get("until", ""))
    if verb == "begin":
        return version_put_in_force(version_id=version_id, day=day, until=until, only_tell=only_tell)
    if verb == "days":
        return version_days_change(version_id=version_id, effective_from=day, effective_to=until, only_tell=only_tell)
    if verb == "end":
        previous = given.get("previous") == "yes"
        return version_withdraw(version_id=version_id, day=day, previous=previous, only_tell=only_tell)
    raise InvalidInput(detail="verb")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidInput(detail=_("a day is written as 2026-01-31")) from error


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 6 else 1
