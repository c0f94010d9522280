"""What this machine has: cores, memory, disk, accelerators, and Ray where the operator configured it."""

import os
import platform
from pathlib import Path

import psutil

from liaoyuan.compute.adapters.accelerators import accelerators_probe
from liaoyuan.compute.adapters.ray import ray_probe
from liaoyuan.compute.schemas import Inventory

CGROUP = Path("/sys/fs/cgroup")
CPU_INFO = Path("/proc/cpuinfo")
# What decides the speed of a CPU run: wide vectors, bf16 and int8 products, matrix tiles.
TELLING_FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "asimd", "bf16", "i8mm", "sve")


def inventory_probe(*, folder: Path, ray_url: str = "", ray_token: str = "") -> Inventory:
    """Probe the machine; ``folder`` is where data will go (its disk is the one that counts)."""
    memory = psutil.virtual_memory()
    limit = cgroup_memory(CGROUP)
    total = min(memory.total, limit or memory.total)
    free = memory.available if limit is None else min(memory.available, max(0, limit - cgroup_memory_used(CGROUP)))
    cards, said = accelerators_probe()
    model, features = cpu_describe(CPU_INFO)
    return Inventory(
        cores=min(float(len(os.sched_getaffinity(0))), cgroup_cores(CGROUP) or float("inf")),
        memory_bytes=total,
        memory_free_bytes=min(free, total),
        disk_free_bytes=psutil.disk_usage(str(_existing(folder))).free,
        cpu_model=model,
        cpu_features=features,
        accelerators=cards,
        probed=said,
        ray=ray_probe(ray_url, ray_token) if ray_url else None,
    )


def cgroup_cores(root: Path) -> float | None:
    """Cores that the control group allows (v2 ``cpu.max``), or None without a limit."""
    try:
        quota, period = (root / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else int(quota) / int(period)


def cgroup_memory(root: Path) -> int | None:
    """Bytes that the control group allows (v2 ``memory.max``), or None without a limit."""
    try:
        text = (root / "memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return None if text == "max" else int(text)


def cgroup_memory_used(root: Path) -> int:
    """Bytes that the control group holds and cannot give back: ``memory.current`` without the inactive page cache."""
    try:
        current = int((root / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (root / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return 0
    return max(0, current - int(stat.get("inactive_file", 0)))


def cpu_describe(info: Path) -> tuple[str, tuple[str, ...]]:
    """Model name and telling features of the first processor."""
    text = info.read_text(encoding="utf-8", errors="replace") if info.exists() else ""
    fields = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    cleaned = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set((cleaned.get("flags") or cleaned.get("Features") or "").split())
    name = cleaned.get("model name") or platform.processor() or platform.machine()
    return name, tuple(feature for feature in TELLING_FEATURES if feature in flags)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
