"""The frame's own pages: what the command palette finds, and the components on one page."""

from django.http import HttpResponse
from django.shortcuts import render

from liaoyuan.portal.addresses import uuid_of
from liaoyuan.portal.away import watch_of
from liaoyuan.portal.door import PageRequest, page
from liaoyuan.portal.shell.design import design
from liaoyuan.portal.shell.palette import found

LONGEST_QUERY = 100
MOST_RUNS = 40


@page("organization.view")
def palette(request: PageRequest) -> HttpResponse:
    """Places, actions and named things that match ``q``, as a fragment."""
    query = request.GET.get("q", "")[:LONGEST_QUERY].strip()
    return render(request, "shell/palette_list.html", {"groups": found(request.principal, query), "query": query})


@page("organization.view")
def away(request: PageRequest) -> HttpResponse:
    """Whether somebody serves what the named runs wait for, as a fragment."""
    runs = [found for found in map(uuid_of, request.GET.getlist("run")[:MOST_RUNS]) if found is not None]
    return render(request, "shell/away.html", {"watch": watch_of(runs)})


@page("organization.view")
def design_page(request: PageRequest) -> HttpResponse:
    """Every component in every state."""
    return render(request, "design/page.html", {"design": design()})
