"""What people fill in on the evaluation's pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaoyuan.knowledge.answer import LONGEST_QUESTION
from liaoyuan.knowledge.questions.measures import SHOWN
from liaoyuan.knowledge.questions.proposing import FEWEST, MOST, USUAL
from liaoyuan.portal.evaluation.words import METRICS


class SetForm(forms.Form):
    """A new, empty set."""

    name = forms.CharField(label=_("Name"), max_length=120)


class ImportForm(forms.Form):
    """A file of questions."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("JSONL, CSV or XLSX with the columns question, evidence, must_contain, answerable, date."),
    )
    name = forms.CharField(
        label=_("Name of the set"), max_length=120, required=False, help_text=_("Empty: the file’s name.")
    )
    review = forms.BooleanField(
        label=_("Review them first"), required=False, help_text=_("Else they count as approved at once.")
    )


class SynthesiseForm(forms.Form):
    """How many questions to make."""

    target = forms.IntegerField(
        label=_("How many questions"),
        min_value=FEWEST,
        max_value=MOST,
        initial=USUAL,
        help_text=_("They are made from the documents in force. You review each before it counts."),
    )


class QuestionForm(forms.Form):
    """One question by hand."""

    question = forms.CharField(label=_("Question"), max_length=LONGEST_QUESTION, widget=forms.Textarea({"rows": 2}))
    evidence = forms.CharField(
        label=_("Evidence"),
        required=False,
        max_length=4000,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("One place a line: DOCUMENT#LOCATOR, for instance “Waste rules#Article 3”."),
    )
    must_contain = forms.CharField(
        label=_("The answer must contain"),
        required=False,
        max_length=4000,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("Exact words of the document, one a line."),
    )
    unanswerable = forms.BooleanField(
        label=_("The documents do not answer it"), required=False, help_text=_("Then no answer is the right answer.")
    )

    date = forms.DateField(
        label=_("As of"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("Asks what was in force on that day. Empty: on the day of the evaluation."),
    )

    def values(self) -> dict[str, Any]:
        """The fields as the service takes them."""
        data = self.cleaned_data
        return {
            "question": data["question"],
            "evidence": _lines(data["evidence"]),
            "must_contain": _lines(data["must_contain"]),
            "answerable": not data["unanswerable"],
            "date": data["date"].isoformat() if data["date"] else "",
        }


class ThresholdForm(forms.Form):
    """One demand of a set: at least or at most so much of one metric, in percent or milliseconds."""

    metric = forms.ChoiceField(label=_("Metric"), choices=[(name, METRICS[name][0]) for name in SHOWN])
    value = forms.FloatField(label=_("Threshold"), min_value=0, max_value=600_000)
    confident = forms.BooleanField(
        label=_("Be sure of it"),
        required=False,
        help_text=_("The whole 95 % interval has to keep the threshold, not the value alone."),
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
