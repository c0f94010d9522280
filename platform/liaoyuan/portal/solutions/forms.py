"""What people type about solutions and runs."""

from django import forms
from django.utils.translation import gettext_lazy as _


class NameForm(forms.Form):
    """Another name for a solution."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput({"autocomplete": "off"}))


class FilterForm(forms.Form):
    """The list's filter; anything unknown counts as no filter."""

    q = forms.CharField(
        label=_("Search by name"), max_length=120, required=False, widget=forms.TextInput({"type": "search"})
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All states")),
            ("waiting", _("Waits for approval")),
            ("active", _("At work")),
            ("bad", _("Stopped by a failure")),
            ("done", _("Finished")),
            ("new", _("Not started")),
            ("archived", _("Archived")),
        ],
    )
    industry = forms.ChoiceField(label=_("Industry"), required=False)

    def __init__(self, *args: object, industries: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["industry"].choices = [("", _("All industries")), *industries]  # type: ignore[attr-defined]
