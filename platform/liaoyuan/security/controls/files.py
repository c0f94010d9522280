"""Controls over the machine: secrets that only their owner can read."""

import stat
from pathlib import Path

from django.conf import settings

from liaoyuan.security.controls.base import Measurement, Subject

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def secret_files_private(subject: Subject) -> Measurement:
    """Every file of the secrets folder, and the folder, is closed to group and others."""
    folder = Path(settings.VAR) / "secrets"
    paths = [folder, *sorted(folder.rglob("*"))] if folder.exists() else []
    open_ones = [path.name for path in paths if path.stat().st_mode & OTHERS]
    return Measurement(
        value=float(not open_ones),
        evidence={"files": max(0, len(paths) - 1), "readable_by_others": open_ones},
        advice_zh="请执行 chmod -R go-rwx var/secrets。",
        advice_en="Run chmod -R go-rwx var/secrets.",
    )
