"""Whether those who were let in may still be here: asked for many at once, by streams that stay open for long."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from liaoyuan.accounts.models import User
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.resolver import principals_of_users

SESSION_ENDED = "session"
RIGHTS_CHANGED = "rights"


@dataclass(frozen=True)
class Visit:
    """Somebody who came in by a session."""

    session_key: str
    principal: Principal


def visits_ended(visits: Iterable[Visit]) -> dict[Visit, str]:
    """Those of ``visits`` that may not go on, and why; the same few queries for one and for a thousand.

    A session ends by signing out, by its age, by a new password, and with its user's activity; rights change with the
    membership: its role, its groups, its being there at all.
    """
    asked = set(visits)
    signed_in = _signed_in({visit.session_key for visit in asked})
    here = set(principals_of_users({visit.principal.user_id for visit in asked}))
    ended = {}
    for visit in asked:
        if signed_in.get(visit.session_key) != visit.principal.user_id:
            ended[visit] = SESSION_ENDED
        elif visit.principal not in here:
            ended[visit] = RIGHTS_CHANGED
    return ended


def _signed_in(keys: set[str]) -> dict[str, UUID]:
    """Whose each living session is, judged as the authentication middleware does."""
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    data = {row.session_key: row.get_decoded() for row in rows}
    users = {str(user.pk): user for user in User.objects.filter(pk__in=_users(data.values()), is_active=True)}
    found = {}
    for key, content in data.items():
        user = users.get(str(content.get(SESSION_KEY, "")))
        if user and constant_time_compare(content.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
            found[key] = user.pk
    return found


def _users(contents: Iterable[dict[str, str]]) -> set[str]:
    return {content[SESSION_KEY] for content in contents if SESSION_KEY in content}
