"""What people fill in to describe a source, by kind; rules are the services'."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from liaoyuan.knowledge.sources.models import Gone, Source
from liaoyuan.knowledge.sources.services import SourceSpec
from liaoyuan.portal.documents.forms import groups_written

SCHEDULE_WORDS: Final[dict[int, Any]] = {
    0: _("only when somebody asks"),
    15: _("every 15 minutes"),
    60: _("every hour"),
    360: _("every 6 hours"),
    1440: _("every day"),
    10080: _("every week"),
}
GONE_WORDS: Final[dict[str, Any]] = {
    Gone.END: _("its document ends on that day (history stays)"),
    Gone.ERASE: _("its document is erased for good"),
    Gone.KEEP: _("its document stays in force"),
}


class SourceForm(forms.Form):
    """What all sources have in common."""

    kind = ""
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("Opens the name of every document from here."))
    groups = forms.CharField(
        label=_("Only these groups may read"), required=False, max_length=400,
        help_text=_("Groups separated by commas. Empty: everybody in the organization."),
    )  # fmt: skip
    group_map = forms.CharField(
        label=_("Other groups for single folders"), required=False, max_length=8000,
        widget=forms.Textarea({"rows": 3, "placeholder": "财务/工资 = 财务部, 院办"}),
        help_text=_("One line a folder: folder = groups. The longest folder that fits counts."),
    )  # fmt: skip
    every_minutes = forms.TypedChoiceField(
        label=_("Synchronize"), coerce=int, choices=list(SCHEDULE_WORDS.items()), initial=1440
    )
    gone = forms.ChoiceField(label=_("When a file is deleted there"), choices=list(GONE_WORDS.items()))
    as_draft = forms.BooleanField(
        label=_("New versions wait as drafts"), required=False,
        help_text=_("Nobody finds them until a person puts them in force."),
    )  # fmt: skip

    def __init__(self, *given: Any, places: list[str], source: Source | None = None, **named: Any) -> None:
        if source is not None:
            named["initial"] = self.initial_of(source)
        super().__init__(*given, **named)
        self.source = source
        if self.place and self.place in self.fields:
            choices = [(place, place) for place in places]
            self.fields[self.place] = forms.ChoiceField(
                label=self.fields[self.place].label, choices=choices, help_text=self.fields[self.place].help_text
            )

    place = ""

    @classmethod
    def initial_of(cls, source: Source) -> dict[str, Any]:
        lines = "\n".join(f"{rule['folder']} = {', '.join(rule['groups'])}" for rule in source.group_map)
        told: dict[str, Any] = source.settings
        return told | {
            "name": source.name,
            "groups": ", ".join(source.groups),
            "group_map": lines,
            "every_minutes": source.every_minutes,
            "gone": source.gone,
            "as_draft": source.as_draft,
        }

    def settings_of(self) -> dict[str, Any]:
        """The kind's own settings."""
        raise NotImplementedError

    def credentials_of(self) -> dict[str, Any] | None:
        return None

    def clean_group_map(self) -> list[dict[str, Any]]:
        return [{"folder": left, "groups": groups_written(right)} for left, right in _lines(self, "group_map")]

    def spec(self) -> SourceSpec:
        """What was filled in, for the services."""
        told = self.cleaned_data
        return SourceSpec(
            name=told["name"],
            kind=self.kind,
            settings=self.settings_of(),
            credentials=self.credentials_of(),
            groups=groups_written(told["groups"]),
            group_map=told["group_map"],
            gone=told["gone"],
            as_draft=told["as_draft"],
            every_minutes=told["every_minutes"],
        )


def _lines(form: forms.Form, name: str) -> list[tuple[str, str]]:
    """``left = right`` lines. Raises ValidationError with the line that is none."""
    found = []
    for line in str(form.cleaned_data[name]).splitlines():
        left, equals, right = line.partition("=")
        if not line.strip():
            continue
        if not equals or not right.strip():
            raise forms.ValidationError(_("“%(line)s” has no “=”."), params={"line": line[:80]})
        found.append((left.strip().strip("/"), right.strip()))
    return found


class FolderForm(SourceForm):
    kind, place = "folder", "root"
    root = forms.CharField(label=_("Root folder"), help_text=_("Folders that the platform’s operator opened."))
    path = forms.CharField(label=_("Folder below it"), required=False, max_length=1000)
    owner_groups = forms.CharField(
        label=_("Groups of the file system"), required=False, max_length=8000,
        widget=forms.Textarea({"rows": 3, "placeholder": "nursing = 护理部"}),
        help_text=_("One line each: owner group of the file = group here. It goes before the folders’ groups."),
    )  # fmt: skip
    field_order = ("name", "root", "path", "every_minutes", "gone", "as_draft", "groups", "group_map", "owner_groups")

    @classmethod
    def initial_of(cls, source: Source) -> dict[str, Any]:
        lines = "\n".join(f"{left} = {right}" for left, right in source.settings.get("owner_groups", {}).items())
        return super().initial_of(source) | {"owner_groups": lines}

    def clean_owner_groups(self) -> dict[str, str]:
        return dict(_lines(self, "owner_groups"))

    def settings_of(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("root", "path", "owner_groups")}


class S3Form(SourceForm):
    kind, place = "s3", "endpoint"
    endpoint = forms.CharField(label=_("Endpoint"), help_text=_("Endpoints that the platform’s operator allowed."))
    bucket = forms.CharField(label=_("Bucket"), max_length=63)
    path = forms.CharField(label=_("Only below this path"), required=False, max_length=1000)
    region = forms.CharField(label=_("Region"), max_length=40, initial="us-east-1")
    addressing = forms.ChoiceField(
        label=_("Bucket in the address"), choices=[("path", _("in the path")), ("virtual", _("in the host name"))]
    )
    access_key = forms.CharField(label=_("Access key"), required=False, max_length=200)
    secret_key = forms.CharField(
        label=_("Secret key"), required=False, max_length=300, widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text=_("Stored encrypted and never shown again. Leave empty to keep the stored one."),
    )  # fmt: skip
    field_order = (
        "name", "endpoint", "bucket", "path", "access_key", "secret_key", "every_minutes", "gone", "as_draft", "groups",
        "group_map", "region", "addressing",
    )  # fmt: skip

    def settings_of(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("endpoint", "bucket", "path", "region", "addressing")}

    def credentials_of(self) -> dict[str, Any] | None:
        told = {name: self.cleaned_data[name] for name in ("access_key", "secret_key")}
        return told if any(told.values()) else None


class WebForm(SourceForm):
    kind = "web"
    urls = forms.CharField(
        label=_("Addresses"), max_length=60_000, widget=forms.Textarea({"rows": 5, "placeholder": "https://www.gov.cn/…"}),
        help_text=_("One a line. Each page is fetched by itself; nothing that it refers to is loaded."),
    )  # fmt: skip
    field_order = ("name", "urls", "every_minutes", "gone", "as_draft", "groups", "group_map")

    @classmethod
    def initial_of(cls, source: Source) -> dict[str, Any]:
        return super().initial_of(source) | {"urls": "\n".join(source.settings.get("urls", ()))}

    def settings_of(self) -> dict[str, Any]:
        urls = [line.strip() for line in self.cleaned_data["urls"].splitlines() if line.strip()]
        return {"urls": urls}


FORMS: Final[dict[str, type[SourceForm]]] = {"folder": FolderForm, "s3": S3Form, "web": WebForm}
