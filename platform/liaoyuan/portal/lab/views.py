"""The retrieval lab: ask a collection, see every step, compare two settings, keep what was learned."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from pydantic import ValidationError

from liaoyuan.accounts.policy import allowed
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.explain import Explained, explain
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.questions.services import question_add
from liaoyuan.knowledge.retrieve import retrieval_settings
from liaoyuan.knowledge.services.reindexing import settings_change
from liaoyuan.knowledge.settings import settings_of
from liaoyuan.portal.documents.selectors import collection_get
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.lab.compare import Side, sides_of
from liaoyuan.portal.lab.forms import QuestionForm, SettingsForm
from liaoyuan.portal.lab.rights import groups_choosable, groups_of


@page("ask", tenant=False)
def lab(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """The question's way through the search. Everything asked stands in the address, so that it can be sent on."""
    who = request.principal
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        collection = collection_get(collection_id)
        now = retrieval_settings(collection_id)
        choosable = groups_choosable(who, collection_id)
        data = request.GET if request.GET.get("q") else None
        form = QuestionForm(data, groups=choosable)
        forms = [
            SettingsForm(data if _given(data, prefix) else None, prefix=prefix, collection_id=collection_id, now=now)
            for prefix in ("a", "b")
        ]
    sides, error = _asked(request, collection, form, forms)
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        shown = {
            "collection": collection,
            "form": form,
            "forms": forms,
            "sides": sides,
            "error": error,
            "compared": len(sides) > 1,
            "may_apply": allowed(who, "collection.settings"),
            "may_keep": allowed(who, "question.edit"),
            "query": request.GET.urlencode(),
        }
        return render(request, "portal/lab/lab.html", shown)


@page("collection.settings", methods=("POST",))
def apply(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Search this collection by the settings that were tried."""
    collection = collection_get(collection_id)
    form = SettingsForm(request.POST, prefix="a", collection_id=collection_id, now=retrieval_settings(collection_id))
    if form.is_valid():
        settings = settings_of(collection.settings).model_copy(update={"retrieval": form.settings()})
        settings_change(collection_id=collection_id, settings=settings)
        messages.success(request, _("The collection is searched by these settings from now on."))
    else:
        messages.error(request, _("These settings are not valid."))
    return _back(request, collection_id)


@page("question.edit", methods=("POST",))
def keep(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Keep the question as a test question with the passages that were marked as right."""
    collection_get(collection_id)
    chunks = request.POST.getlist("chunk")
    parts = [part.strip() for part in request.POST.get("must_contain", "").splitlines() if part.strip()]
    question_add(
        collection_id=collection_id,
        question=request.POST.get("q", ""),
        set_name=_("Retrieval lab"),
        chunk_ids=chunks,
        must_contain=parts,
        answerable=bool(chunks),
        source="lab",
    )
    messages.success(request, _("Kept as a test question."))
    return _back(request, collection_id)


def _given(data: QueryDict | None, prefix: str) -> bool:
    return data is not None and f"{prefix}-candidates" in data


def _asked(
    request: PageRequest, collection: Collection, form: QuestionForm, forms: list[SettingsForm]
) -> tuple[list[Side], str]:
    """The question by each of the settings that were filled in; and what went wrong, in words."""
    if not form.is_bound or not form.is_valid():
        return [], ""
    wanted = forms if form.cleaned_data["compare"] else forms[:1]
    try:
        found = [_explained(request, collection, form, one) for one in wanted if one.is_valid() or not one.is_bound]
    except LiaoyuanError as error:
        return [], error.sentence(language())
    except ValidationError as error:
        return [], str(error.errors()[0]["msg"])
    return sides_of(found), ""


def _explained(request: PageRequest, collection: Collection, form: QuestionForm, one: SettingsForm) -> Explained:
    who = request.principal
    asked: dict[str, Any] = form.cleaned_data
    # Only what the visitor may read themselves: a group set narrows, it never widens.
    with tenant_context(who.organization_id, who.user_id, groups=groups_of(who, asked["groups"])):
        settings = one.settings() if one.is_bound else None
        index_id = one.index_id() if one.is_bound else None
        return explain(collection.id, asked["q"], day=asked["day"], settings=settings, index_id=index_id)


def _back(request: PageRequest, collection_id: UUID) -> HttpResponse:
    query = request.POST.get("query", "")
    address = reverse("lab", args=[collection_id])
    return HttpResponseRedirect(f"{address}?{QueryDict(query).urlencode()}" if query else address)
