"""The settings in force as an operator may see them, and the secrets that must never be seen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from django.conf import settings
from pydantic import SecretStr

from liaoyuan.config.doctor.report import guarded
from liaoyuan.config.environment import Environment, environment
from liaoyuan.console.ports import SettingShown

HIDDEN = "•••"
SET, UNSET = "set", "not set"
SHORTEST_TOLD = 6


def settings_shown() -> list[SettingShown]:
    """Every setting of :class:`Environment`, in its order."""
    return [_shown(name, getattr(environment(), name)) for name in Environment.model_fields]


def secrets_known() -> list[str]:
    """Every secret of this installation, for programs that must keep them out of what they write."""
    given = environment()
    values = [getattr(given, name) for name in Environment.model_fields]
    known = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    known += [urlsplit(value).password or "" for value in values if isinstance(value, str) and "://" in value]
    folder = Path(settings.VAR) / "secrets"
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    known += [path.read_text(encoding="utf-8", errors="replace").strip() for path in files]
    known += [settings.SECRET_KEY, settings.KEY_PEPPER, settings.MODEL_SERVER_TOKEN]
    plain = {text for value in known for text in (value, unquote(value)) if len(text) >= SHORTEST_TOLD}
    return sorted(plain, key=len, reverse=True)


def doctor_run(names: Sequence[str] | None = None) -> Sequence[Mapping[str, Any]]:
    """The doctor's findings, all or those of ``names``, as JSON-ready objects."""
    from liaoyuan.config.management.commands.doctor import PROBES

    return [check.as_dict() for name in names or PROBES for check in guarded(name, *PROBES[name])]


def _shown(name: str, value: Any) -> SettingShown:
    given = name in environment().model_fields_set
    label = f"LIAOYUAN_{name.upper()}"
    if isinstance(value, SecretStr):
        return SettingShown(label, SET if value.get_secret_value() else UNSET, given, secret=True)
    text = str(value)
    return SettingShown(label, _masked(text) if "://" in text else text, given, secret=False)


def _masked(text: str) -> str:
    """An address without its password, and without what stands behind ``?`` (libpq takes passwords there too)."""
    return ", ".join(_masked_address(part.strip()) for part in text.split(","))


def _masked_address(text: str) -> str:
    try:
        parts: SplitResult = urlsplit(text)
        place = parts.hostname or ""
        place += f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    user = f"{parts.username}:{HIDDEN}@" if parts.password else (f"{parts.username}@" if parts.username else "")
    tail = f"?{HIDDEN}" if parts.query else ""
    return f"{parts.scheme}://{user}{place}{parts.path}{tail}"
