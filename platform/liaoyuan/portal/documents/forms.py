"""What people fill in on the pages of collections."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.names import name_clean


class CollectionForm(forms.Form):
    """A new collection."""

    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        help_text=_("For instance the department or the kind of document: “Nursing policies”."),
    )

    def clean_name(self) -> str:
        """One line without invisible characters, so that no two names look the same and differ."""
        name = name_clean(str(self.cleaned_data["name"]))
        if not name:
            raise forms.ValidationError(_("Enter a name with at least one visible character."))
        return name


class ManyFiles(forms.ClearableFileInput):
    """A file field that takes several."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """The files that were chosen, as a list."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    """Files for a collection, and who may read them."""

    chosen = FilesField(label=_("Files"), widget=ManyFiles({"multiple": True}), allow_empty_file=True)
    groups = forms.CharField(
        label=_("Only these groups may read them"),
        required=False,
        max_length=400,
        widget=forms.TextInput({"list": "known-groups", "autocomplete": "off"}),
        help_text=_("Groups separated by commas. Empty: everybody; a document that is here already keeps its groups."),
    )

    def clean_groups(self) -> list[str]:
        return groups_written(str(self.cleaned_data["groups"]))


def groups_written(text: str) -> list[str]:
    """The groups of a comma-separated line; Chinese commas count too."""
    for comma in "，、;；":
        text = text.replace(comma, ",")
    return [clean for group in text.split(",") if (clean := name_clean(group))]
