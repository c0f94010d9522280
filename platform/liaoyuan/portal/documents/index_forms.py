"""What people fill in on the page of a collection's index and settings."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaoyuan.knowledge.settings import (
    LEAST_TARGET,
    MOST_CONTEXT,
    MOST_LIMIT,
    MOST_TARGET,
    CollectionSettings,
    settings_read,
)
from liaoyuan.knowledge.shadow.stage import AUTOMATIC, PERSON
from liaoyuan.portal.lab.words import RERANKERS

OCR = (("auto", _("only where the text is missing or broken")), ("always", _("every page")), ("never", _("on no page")))


class IndexForm(forms.Form):
    """What an index is built by: another value of it needs another generation."""

    embedder = forms.ChoiceField(label=_("Embedding model"))
    target = forms.IntegerField(
        label=_("Usual length of a chunk"),
        min_value=LEAST_TARGET,
        max_value=MOST_TARGET,
        help_text=_("In tokens. Shorter chunks are found more exactly, longer ones say more; 220 is a good start."),
    )
    limit = forms.IntegerField(
        label=_("Longest chunk"),
        min_value=0,
        max_value=MOST_LIMIT,
        help_text=_("In tokens, at least 64. 0: all that the model reads at once."),
    )
    ocr = forms.ChoiceField(label=_("Recognise text in pictures"), choices=OCR)
    pages = forms.IntegerField(label=_("Pages read of a file, at most"), min_value=1, max_value=20_000)
    swap = forms.ChoiceField(
        label=_("When it is built"),
        choices=(
            (PERSON, _("wait until somebody has looked at the scores")),
            (AUTOMATIC, _("put it in place by itself if its scores are not worse")),
        ),
        help_text=_("Search goes on with the index of today until then."),
    )

    def __init__(self, *args: Any, embedders: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["embedder"].choices = [(name, name) for name in embedders]  # type: ignore[attr-defined]

    @classmethod
    def initial_of(cls, settings: CollectionSettings) -> dict[str, Any]:
        return {
            "embedder": settings.embedder,
            "target": settings.chunking.target,
            "limit": settings.chunking.limit,
            "ocr": settings.parser.ocr,
            "pages": settings.parser.pages,
            "swap": PERSON,
        }

    def settings(self, now: CollectionSettings) -> CollectionSettings:
        """``now`` with what was chosen. Raises SettingsInvalid."""
        chosen = self.cleaned_data
        return settings_read(
            now.model_dump()
            | {
                "embedder": chosen["embedder"],
                "chunking": {"target": chosen["target"], "limit": chosen["limit"]},
                "parser": {"ocr": chosen["ocr"], "pages": chosen["pages"]},
            }
        )


class SearchForm(forms.Form):
    """How a collection is searched; it counts from the next question on."""

    candidates = forms.IntegerField(
        label=_("Candidates for the reranker"),
        min_value=5,
        max_value=500,
        help_text=_("How many the search by meaning and the search by words each bring."),
    )
    vector_weight = forms.FloatField(label=_("Weight of the meaning"), min_value=0, max_value=10)
    lexical_weight = forms.FloatField(label=_("Weight of the words"), min_value=0, max_value=10)
    reranker = forms.ChoiceField(
        label=_("Reranker"),
        help_text=_("Who puts what was found in order. Services that the operator set up are listed by their name."),
    )
    context = forms.IntegerField(
        label=_("Text that a model reads for one answer"),
        min_value=0,
        max_value=MOST_CONTEXT,
        help_text=_(
            "In characters: the passages that are cited, widened with what stands beside them below the same heading. "
            "0: those passages alone. More says more, and costs time."
        ),
    )
    fallback = forms.BooleanField(
        label=_("If that service is silent, use the built-in order"),
        required=False,
        help_text=_("Without it the question fails and says why. Answers note it when the built-in order stood in."),
    )
    sentences = forms.TypedChoiceField(
        label=_("Compare the question with single sentences"),
        choices=[("auto", _("With the built-in model")), ("always", _("With every model")), ("never", _("Never"))],
        empty_value="auto",
        required=False,
        help_text=_("Of the best passages. An outside embedding service is then asked once more for each question."),
    )

    def __init__(self, *args: Any, rerankers: Sequence[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reranker"].choices = [(name, RERANKERS.get(name, name)) for name in rerankers]  # type: ignore[attr-defined]

    @classmethod
    def initial_of(cls, settings: CollectionSettings) -> dict[str, Any]:
        return {name: getattr(settings.retrieval, name) for name in cls.base_fields}

    def settings(self, now: CollectionSettings) -> CollectionSettings:
        """``now`` with what was chosen. Raises SettingsInvalid."""
        whole = now.model_dump()
        return settings_read(whole | {"retrieval": whole["retrieval"] | self.cleaned_data})
