"""The audit log: read, filter, verify, take away."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from liaoyuan.accounts.anchors import chain_verify
from liaoyuan.accounts.models import Member
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.selectors import PAGE_MOST, AuditFilter, actor_names, audit_actions, audit_entries
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.accounts.words import event_name
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.people.audit_view import actor_name, entry_views
from liaoyuan.portal.people.forms import AuditForm
from liaoyuan.portal.people.selectors import entry_count
from liaoyuan.portal.stages.export import BOM, cell

HEAD: Final = ("seq", "at", "actor", "actor_id", "action", "object_kind", "object_id", "detail", "previous", "digest")
FIELDS: Final = ("actor", "action", "subject", "since", "until")


@page("audit.view")
def audit(request: PageRequest) -> HttpResponse:
    """The entries, newest first."""
    return render(request, "portal/people/audit.html", _shown(request))


@page("audit.view", methods=("POST",))
def verify(request: PageRequest) -> HttpResponse:
    """Walk the whole chain now, and compare it with the anchors outside of the database."""
    verdict = chain_verify(request.principal.organization_id)
    if request.headers.get("HX-Request"):
        return render(request, "portal/people/audit_verdict.html", {"verdict": verdict})
    return render(request, "portal/people/audit.html", _shown(request) | {"verdict": verdict})


@page("audit.view", tenant=False)
def export(request: PageRequest) -> StreamingHttpResponse:
    """Everything that the filter names as CSV, however long; taking it is itself recorded."""
    who = request.principal
    with tenant_context(who.organization_id, who.user_id):
        wanted = _form(request).wanted()
        detail = {name: request.GET[name][:80] for name in FIELDS if request.GET.get(name)}
        audit_record(action="audit.export", object_kind="audit", object_id=who.organization_id, detail=detail)
    answer = StreamingHttpResponse(_lines(who, wanted), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return answer


def _shown(request: PageRequest) -> dict[str, Any]:
    form = _form(request)
    wanted = form.wanted()
    cursor = request.GET.get("before", "")
    found = audit_entries(wanted, before=int(cursor) if cursor.isdecimal() and len(cursor) < 19 else None)
    asked = {name: request.GET[name] for name in FIELDS if request.GET.get(name)}
    return {
        "form": form,
        "narrowed": bool(wanted),
        "entries": entry_views(found.entries, language()),
        "total": entry_count(),
        "query": urlencode(asked),
        "older": urlencode(asked | {"before": found.after}) if found.after else "",
        "paged": bool(cursor),
    }


def _form(request: PageRequest) -> AuditForm:
    members = Member.objects.select_related("user").order_by("user__email")
    actors = [(str(each.user_id), each.user.name or each.user.email) for each in members]
    words = language()
    actions = [(action, event_name(action, words)) for action in audit_actions()]
    return AuditForm(request.GET, actors=[("system", actor_name("system", {})), *actors], actions=actions)


async def _lines(who: Principal, wanted: AuditFilter) -> AsyncIterator[str]:
    """Page by page, each in a short tenant context of its own: no transaction lives as long as a download."""
    yield BOM + _csv([HEAD])
    before: int | None = None
    while True:
        text, before = await sync_to_async(_part)(who, wanted, before)
        yield text
        if before is None:
            return


def _part(who: Principal, wanted: AuditFilter, before: int | None) -> tuple[str, int | None]:
    with tenant_context(who.organization_id, who.user_id):
        found = audit_entries(wanted, before=before, limit=PAGE_MOST)
        names = actor_names(entry.actor for entry in found.entries)
        rows = [
            (
                entry.seq,
                entry.at.isoformat(),
                names.get(entry.actor, entry.actor),
                entry.actor,
                entry.action,
                entry.object_kind,
                entry.object_id,
                entry.detail,
                entry.previous,
                entry.digest,
            )
            for entry in found.entries
        ]
    return _csv(rows), found.after


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows([cell(value) for value in row] for row in rows)
    return stream.getvalue()
