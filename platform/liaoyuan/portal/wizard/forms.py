"""What people choose in the wizard. Every step is a plain form; scripts only make it nicer."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from liaoyuan.knowledge.models import Collection
from liaoyuan.pipeline.models import DocumentSource


class ScenarioForm(forms.Form):
    """One of the pack's scenarios, and what the solution is called."""

    scenario = forms.ChoiceField(label=_("Scenario"), widget=forms.RadioSelect)
    name = forms.CharField(
        label=_("Name of the solution"),
        max_length=120,
        help_text=_("Your colleagues see it in lists and in the chat. It can be changed later."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, scenarios: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scenario"].choices = scenarios  # type: ignore[attr-defined]


class SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; each is checked where it is received."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if self.required and not files:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return list(files)


class DocumentsForm(forms.Form):
    """Where the documents come from."""

    source = forms.ChoiceField(label=_("Documents"), choices=DocumentSource.choices, widget=forms.RadioSelect)
    into = forms.ModelChoiceField(
        label=_("Put them into"), queryset=Collection.objects.none(), required=False, empty_label=_("A new collection")
    )
    name = forms.CharField(
        label=_("Name of the new collection"),
        max_length=120,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    collection = forms.ModelChoiceField(
        label=_("Collection"), queryset=Collection.objects.none(), required=False, empty_label=_("Choose one")
    )
    documents = FilesField(
        label=_("Files"),
        required=False,
        widget=SeveralFiles({"multiple": True, "class": "file-input"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("into", "collection"):
            # Asked here and not when the class is made: only now is there a tenant.
            self.fields[name].queryset = Collection.objects.order_by("name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        source = found.get("source")
        if source == DocumentSource.COLLECTION and not found.get("collection") and "collection" not in self.errors:
            self.add_error("collection", _("Choose a collection."))
        needs_name = source == DocumentSource.UPLOAD and not found.get("into")
        if needs_name and not str(found.get("name", "")).strip() and "name" not in self.errors:
            self.add_error("name", _("Name the new collection."))
        return found
