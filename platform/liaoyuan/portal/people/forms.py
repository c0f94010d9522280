"""What owners and developers type on the people pages."""

import re
from datetime import datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.models import Role
from liaoyuan.accounts.names import GROUP_LONGEST, groups_clean, name_clean
from liaoyuan.accounts.selectors import AuditFilter
from liaoyuan.accounts.words import ACTIONS, role_name
from liaoyuan.errors import LiaoyuanError
from liaoyuan.portal.door import language

SEPARATORS: Final = re.compile(r"[,，;；、\n]")
Choices = list[tuple[str, str]]
NEVER: Final = "0"
DAY: Final = timedelta(days=1)


class GroupsField(forms.CharField):
    """Names of groups between commas (Chinese ones too); cleans to a tuple."""

    def __init__(self, **options: Any) -> None:
        label = _("Groups")
        help_text = _("Between commas. Groups decide which documents a person may read.")
        super().__init__(label=label, help_text=help_text, required=False, max_length=2000, **options)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        try:
            return groups_clean(SEPARATORS.split(super().clean(value)))
        except LiaoyuanError as error:
            limits = {"longest": GROUP_LONGEST}
            raise ValidationError(_("At most 50 groups, each at most %(longest)s characters.") % limits) from error


class RoleField(forms.ChoiceField):
    """One of the roles, by its own name in the reader's language."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            label=_("Role"),
            choices=lambda: [(role.value, role_name(role, language())) for role in Role],
            widget=forms.RadioSelect,
            **options,
        )


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "off"}))
    role = RoleField(initial=Role.VIEWER.value)
    groups = GroupsField()


class MemberForm(forms.Form):
    """A member's role and groups."""

    role = RoleField()
    groups = GroupsField()


class KeyForm(forms.Form):
    """A new API key: its name, what it may do, how long it lives."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Where it will be used, to know it again."))
    days = forms.ChoiceField(
        label=_("Valid for"),
        choices=[("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), (NEVER, _("Until revoked"))],
        initial="90",
    )
    scopes = forms.MultipleChoiceField(label=_("What it may do"))

    def __init__(self, *args: Any, actions: frozenset[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["scopes"].choices = [(action, action) for action in ACTIONS if action in actions]  # type: ignore[attr-defined]
        self.fields["scopes"].error_messages["required"] = _("Choose at least one.")

    def clean_name(self) -> str:
        return _visible(self.cleaned_data["name"])

    def clean_days(self) -> int | None:
        return int(self.cleaned_data["days"]) or None


class NameForm(forms.Form):
    """A new name for the organization."""

    name = forms.CharField(label=_("Name"), max_length=120)

    def clean_name(self) -> str:
        return _visible(self.cleaned_data["name"])


class AuditForm(forms.Form):
    """Which entries of the audit log; days are those of the reader's time zone."""

    actor = forms.ChoiceField(label=_("Who"), required=False)
    action = forms.ChoiceField(label=_("What"), required=False)
    subject = forms.CharField(label=_("Kind or identifier"), max_length=80, required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(
        self, *args: Any, actors: list[tuple[str, str]], actions: list[tuple[str, str]], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.fields["actor"].choices = [("", _("Anybody")), *actors]  # type: ignore[attr-defined]
        self.fields["action"].choices = [("", _("Anything")), *actions]  # type: ignore[attr-defined]

    def wanted(self) -> AuditFilter:
        """The filter; a field that makes no sense is as if it were empty."""
        self.is_valid()
        given = self.cleaned_data
        until = given.get("until")
        return AuditFilter(
            actor=given.get("actor") or "",
            action=given.get("action") or "",
            subject=(given.get("subject") or "").strip(),
            since=_midnight(given.get("since")),
            until=_midnight(until + DAY if until else None),
        )


def _midnight(day: Any) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def _visible(name: str) -> str:
    found = name_clean(name)
    if not found:
        raise ValidationError(_("A name needs at least one visible character."))
    return found
