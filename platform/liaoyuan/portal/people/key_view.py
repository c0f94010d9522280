"""What the pages of the API keys show, ready for their templates."""

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone

from liaoyuan.accounts.models import ApiKey
from liaoyuan.accounts.policy import POLICY, Principal, allowed
from liaoyuan.accounts.words import ACTION_GROUPS, action_name
from liaoyuan.deployment.selectors import routes_visible

MOST: Final = 500
PLACEHOLDER: Final = "ly_…"


@dataclass(frozen=True)
class KeyView:
    """One key. ``state`` is live, expired, revoked or idle-owner (its member is disabled)."""

    id: UUID
    name: str
    prefix: str
    owner: str
    mine: bool
    scopes: tuple[str, ...]
    created: datetime
    used: datetime | None
    expires: datetime | None
    state: str


@dataclass(frozen=True)
class KeysPage:
    live: list[KeyView]
    ended: list[KeyView]
    everybody: bool


@dataclass(frozen=True)
class Scope:
    action: str
    name: str
    help: str
    chosen: bool


@dataclass(frozen=True)
class Usage:
    """How to call with a key: the address, a model that is live (empty: none yet), and two ready texts."""

    base: str
    model: str
    curl: str
    openai: str


def keys_page(who: Principal, words: str) -> KeysPage:
    """Keys that work and keys that ended, newest first."""
    everybody = allowed(who, "key.manage")
    keys = ApiKey.objects.select_related("member__user").order_by("-created_at")
    if not everybody:
        keys = keys.filter(member__user_id=who.user_id)
    views = [_view(key, who, words) for key in keys[:MOST]]
    return KeysPage(
        live=[each for each in views if each.state == "live"],
        ended=[each for each in views if each.state != "live"],
        everybody=everybody,
    )


def scope_groups(role: str, chosen: set[str], words: str) -> list[tuple[str, list[Scope]]]:
    """What ``role`` allows, group by group; a group that it has nothing of is left out."""
    groups = []
    for (zh, en), actions in ACTION_GROUPS.items():
        mine = [
            Scope(action, each.name(words), each.help(words), action in chosen)
            for action, each in actions.items()
            if action in POLICY[role]
        ]
        if mine:
            groups.append((zh if words == "zh" else en, mine))
    return groups


def usage(root: str, *, key: str) -> Usage:
    """Texts to paste. Without a key the place for it is left open."""
    base = root.rstrip("/") + "/v1"
    model = next((route.name for route in routes_visible()), "")
    named, given = model or "MODEL", key or PLACEHOLDER
    body = f'{{"model": "{named}", "messages": [{{"role": "user", "content": "…"}}]}}'
    curl = (
        f"curl {shlex.quote(base + '/chat/completions')} \\\n"
        f"  -H 'Authorization: Bearer {given}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}"
    )
    openai = (
        "from openai import OpenAI\n\n"
        f'client = OpenAI(base_url="{base}", api_key="{given}")\n'
        "answer = client.chat.completions.create(\n"
        f'    model="{named}", messages=[{{"role": "user", "content": "…"}}]\n'
        ")\n"
        "print(answer.choices[0].message.content)"
    )
    return Usage(base, model, curl, openai)


def _view(key: ApiKey, who: Principal, words: str) -> KeyView:
    user = key.member.user
    return KeyView(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        owner=user.name or user.email,
        mine=user.id == who.user_id,
        scopes=tuple(action_name(scope, words) for scope in key.scopes),
        created=key.created_at,
        used=key.last_used_at,
        expires=key.expires_at,
        state=_state(key),
    )


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= timezone.now():
        return "expired"
    return "live" if key.member.disabled_at is None and key.member.user.is_active else "owner-disabled"
