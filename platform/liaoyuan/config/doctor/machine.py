"""Checks that need no engine: versions, model files, disk, folders, ports."""

import importlib.metadata
import os
import platform
import shutil
import stat
import sys
from pathlib import Path

from django.conf import settings

from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.config.doctor.report import Check
from liaoyuan.config.environment import ROOT
from liaoyuan.industry.selectors import industry_survey
from liaoyuan.pipeline.base_models import EMBEDDED, base_model_path

LEAST_DISK = 2 << 30
LOCK = ROOT / "requirements" / "all.txt"
REPAIR_ZH, REPAIR_EN = "执行 make setup。", "Run make setup."


def versions() -> list[Check]:
    """Python, and every package against the lock file."""
    python = sys.version_info[:2] == (3, 11)
    found = [Check("python", python, platform.python_version(), "请安装 Python 3.11。", "Install Python 3.11.")]
    wrong = [f"{name} {have} (lock: {want})" for name, want, have in _locked() if have != want]
    detail = "; ".join(wrong[:5]) if wrong else f"{len(_locked())} packages as locked"
    return [*found, Check("packages", not wrong, detail, REPAIR_ZH, REPAIR_EN), _torch()]


def _locked() -> list[tuple[str, str, str]]:
    pairs = [line.split(" ")[0].split("==") for line in LOCK.read_text(encoding="utf-8").splitlines() if "==" in line]
    return [(name.split("[")[0], version, _installed(name.split("[")[0])) for name, version in pairs]


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _torch() -> Check:
    have = _installed("torch")
    return Check(
        "torch", have != "missing", have, "执行 make setup（训练需要 torch）。", "Run make setup: training needs torch."
    )


def model_files() -> list[Check]:
    """The base model's GGUF: there, and of that format."""
    path = base_model_path()
    with path.open("rb") as file:
        magic = file.read(4)
    detail = f"{EMBEDDED}: {path.name}, {path.stat().st_size >> 20} MiB"
    return [Check("model_files", magic == b"GGUF", detail, REPAIR_ZH, REPAIR_EN)]


def disk() -> list[Check]:
    """Free space where data goes."""
    folder = Path(settings.VAR)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{free / (1 << 30):.1f} GiB free at {folder}"
    return [Check("disk", free >= LEAST_DISK, detail, "请清理磁盘（至少 2 GiB）。", "Free at least 2 GiB.")]


def secrets() -> list[Check]:
    """Nobody but us may read the machine's secrets."""
    folder = Path(settings.VAR) / "secrets"
    files = [path for path in folder.glob("*") if path.is_file()]
    open_to_others = [path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    detail = f"{len(files)} files" if not open_to_others else f"readable by others: {', '.join(open_to_others)}"
    mend = f"chmod 600 {folder}/*"
    return [Check("secrets", not open_to_others, detail, mend, mend)]


def ports() -> list[Check]:
    """The ports of web and model server, as they are kept for this checkout."""
    addresses = engine_addresses(settings.VAR)
    detail = f"web {addresses.web_port}, model server {addresses.model_server_port}, user {os.geteuid()}"
    different = addresses.web_port != addresses.model_server_port
    return [
        Check("ports", different, detail, "删除 var/run/ports.json 后重启。", "Remove var/run/ports.json and restart.")
    ]


def packs() -> list[Check]:
    """Every installed pack is signed and whole."""
    good, bad = industry_survey()
    checks = [Check(f"pack:{pack.name}", ok=True, detail=f"{pack.spec.version}, {pack.signed_by}") for pack in good]
    mend_zh, mend_en = "从可信来源重新安装该行业包。", "Install the pack anew from a source you trust."
    return [
        *checks,
        *(
            Check(f"pack:{name}", ok=False, detail=str(error), mend_zh=mend_zh, mend_en=mend_en)
            for name, error in bad.items()
        ),
    ]
