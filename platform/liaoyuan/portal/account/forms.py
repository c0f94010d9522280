"""What people type about themselves, and when they come in for the first time."""

from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

COMMON_ZONES: Final = (
    "Asia/Shanghai",
    "Asia/Urumqi",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "UTC",
)


def zone_choices() -> list[Any]:
    """The machine's zone first, then those often meant, then every place with a name of its own."""
    every = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
    return [
        ("", _("As the machine is set (%(zone)s)") % {"zone": settings.TIME_ZONE}),
        (_("Often used"), [(zone, zone) for zone in COMMON_ZONES]),
        (_("All"), [(zone, zone) for zone in every if zone not in COMMON_ZONES]),
    ]


class ProfileForm(forms.Form):
    """A person's name, language and time zone."""

    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        widget=forms.TextInput({"autocomplete": "name"}),
        help_text=_("As colleagues see it beside what you do."),
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=[("", _("As the browser asks")), *settings.LANGUAGES], required=False
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices, required=False)


class InvitationForm(forms.Form):
    """The token of an invitation, and for a new person a name and a password."""

    token = forms.CharField(label=_("Invitation code"), max_length=200, widget=forms.TextInput({"autocomplete": "off"}))
    name = forms.CharField(
        label=_("Your name"), max_length=120, required=False, widget=forms.TextInput({"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. Leave it empty if you have an account here already."),
    )
