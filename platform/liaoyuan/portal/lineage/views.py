"""Where an answer came from, and what came of a document: traces and the lineage graph."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render

from liaoyuan.portal.door import PageRequest, page
from liaoyuan.portal.lineage.index import lineage_index
from liaoyuan.portal.lineage.selectors import lineage_page
from liaoyuan.portal.lineage.traces import trace_list, trace_page


@page("trace.view")
def traces(request: PageRequest) -> HttpResponse:
    """The answers of all applications, newest first."""
    return render(request, "portal/traces/list.html", {"page": trace_list(request.GET.dict(), request.principal)})


@page("trace.view")
def trace(request: PageRequest, trace_id: UUID) -> HttpResponse:
    """One answer with everything that happened for it."""
    return render(request, "portal/traces/trace.html", {"page": trace_page(trace_id, request.principal)})


@page("lineage.view")
def lineage(request: PageRequest) -> HttpResponse:
    """Where a walk may begin."""
    return render(
        request, "portal/lineage/index.html", {"page": lineage_index(request.GET.get("q", ""), request.principal)}
    )


@page("lineage.view")
def lineage_of(request: PageRequest, kind: str, identifier: UUID) -> HttpResponse:
    """What one artifact rests on, and what rests on it."""
    found = lineage_page(kind, identifier, request.principal, opened=request.GET.getlist("open"))
    return render(request, "portal/lineage/graph.html", {"page": found})
