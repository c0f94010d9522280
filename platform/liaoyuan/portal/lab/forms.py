"""What the lab is asked: a question as somebody at some date, and one or two ways of searching."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from liaoyuan.knowledge.answer import LONGEST_QUESTION
from liaoyuan.knowledge.indexes import index_read
from liaoyuan.knowledge.models import IndexState, SearchIndex
from liaoyuan.knowledge.rerankers import reranker_names
from liaoyuan.knowledge.settings import RetrievalSettings
from liaoyuan.portal.lab.words import RERANKERS

READABLE = (IndexState.LIVE, IndexState.READY, IndexState.RETIRED)


class QuestionForm(forms.Form):
    """Who asks what, and as of when."""

    q = forms.CharField(label=_("Question"), max_length=LONGEST_QUESTION)
    day = forms.DateField(label=_("As of"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    groups = forms.MultipleChoiceField(label=_("As a member of"), required=False, widget=forms.CheckboxSelectMultiple)
    compare = forms.BooleanField(label=_("Compare two settings"), required=False)

    def __init__(self, *args: Any, groups: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # "" stands for somebody who is in no group at all.
        everyone = [("", _("nobody’s group"))] if groups else []
        self.fields["groups"].choices = [*((name, name) for name in groups), *everyone]  # type: ignore[attr-defined]


class SettingsForm(forms.Form):
    """One way of searching."""

    candidates = forms.IntegerField(label=_("Candidates from each search"), min_value=5, max_value=500)
    vector_weight = forms.FloatField(label=_("Weight of meaning"), min_value=0, max_value=10)
    lexical_weight = forms.FloatField(label=_("Weight of words"), min_value=0, max_value=10)
    reranker = forms.ChoiceField(label=_("Reranker"))
    index = forms.ChoiceField(label=_("Index generation"), required=False)

    def __init__(self, *args: Any, collection_id: UUID, now: RetrievalSettings, **kwargs: Any) -> None:
        kwargs["initial"] = now.model_dump() | {"index": ""}
        super().__init__(*args, **kwargs)
        self._now = now
        names = dict.fromkeys([*reranker_names(), now.reranker])
        self.fields["reranker"].choices = [(name, RERANKERS.get(name, name)) for name in names]  # type: ignore[attr-defined]
        self.fields["index"].choices = _generations(collection_id)  # type: ignore[attr-defined]

    def settings(self) -> RetrievalSettings:
        """What was chosen, over what the collection says of the rest. Raises pydantic's ValidationError."""
        chosen = {name: value for name, value in self.cleaned_data.items() if name != "index"}
        return RetrievalSettings.model_validate(self._now.model_dump() | chosen)

    def index_id(self) -> UUID | None:
        """The generation to read; None for the live one."""
        return UUID(self.cleaned_data["index"]) if self.cleaned_data["index"] else None


def _generations(collection_id: UUID) -> list[tuple[str, Any]]:
    live = index_read(collection_id)
    rows = SearchIndex.objects.filter(collection_id=collection_id, state__in=READABLE).order_by("-number")
    others = [(str(row.id), f"{row.number} · {row.embedder}") for row in rows if live is None or row.id != live.id]
    return [("", _("the one in use")), *others]
