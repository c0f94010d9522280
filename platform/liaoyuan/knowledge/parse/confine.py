"""A process takes away its own rights before it reads a hostile byte: network, files, memory, processor time.

Linux only, through the C library; what the kernel refuses is left out of the list that ``confine`` returns.
Call it while the process still has one thread.
"""

import ctypes
import os
import resource
import sys
from pathlib import Path

_CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x04000000, 0x08000000, 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SIGKILL = 9
_CAPABILITY_VERSION = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2
# landlock(7): system call numbers are the same on every architecture since 5.13.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_FS_EXECUTE, _FS_READ_FILE, _FS_READ_DIR = 1 << 0, 1 << 2, 1 << 3
_FS_WRITE_FILE = 1 << 1
_FS_ALL_ABI1 = (1 << 13) - 1
_NET_ALL = 0b11
_SCOPE_ALL = 0b11
_STDERR_BYTES = 1 << 20


class _RulesetAttribute(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathAttribute(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def confine(*, memory_mb: int) -> list[str]:
    """Applies every layer that this kernel allows and returns their names, strongest first."""
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    layers = ["network_namespace"] if _without_network(library) else []
    _drop_capabilities(library)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if _landlock(library):
        layers.append("landlock")
    _limit(memory_mb)
    return [*layers, "rlimits"]


def _without_network(library: ctypes.CDLL) -> bool:
    """A network namespace of its own holds only a loopback device that is down."""
    spaces = _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS
    return bool(library.unshare(spaces) == 0 or library.unshare(spaces | _CLONE_NEWUSER) == 0)


def _drop_capabilities(library: ctypes.CDLL) -> None:
    header = _CapabilityHeader(_CAPABILITY_VERSION, 0)
    data = (_CapabilityData * 2)()
    library.capget(ctypes.byref(header), data)
    # Reading stays: libraries are loaded on first use, and Landlock below bounds where from.
    kept = data[0].permitted & _CAP_DAC_READ_SEARCH
    data[0] = _CapabilityData(kept, kept, 0)
    data[1] = _CapabilityData(0, 0, 0)
    library.capset(ctypes.byref(header), data)


def _landlock(library: ctypes.CDLL) -> bool:
    abi = library.syscall(_CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return False
    rights = _FS_ALL_ABI1 | (1 << 13 if abi >= 2 else 0) | (1 << 14 if abi >= 3 else 0)
    attribute = _RulesetAttribute(rights, _NET_ALL if abi >= 4 else 0, _SCOPE_ALL if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = library.syscall(_CREATE_RULESET, ctypes.byref(attribute), size, 0)
    if ruleset < 0:
        return False
    for path in readable_paths():
        _allow(library, ruleset, path, _FS_READ_FILE | _FS_READ_DIR | _FS_EXECUTE)
    _allow(library, ruleset, Path("/dev/null"), _FS_READ_FILE | _FS_WRITE_FILE)
    applied = bool(library.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    os.close(ruleset)
    return applied


def _allow(library: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        rights &= ~_FS_READ_DIR
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    library.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(_PathAttribute(rights, descriptor)), 0)
    os.close(descriptor)


def readable_paths() -> list[Path]:
    """What a parser must read: the interpreter, its libraries, this package, fonts, and facts about the machine."""
    source_root = Path(__file__).resolve().parents[3]
    roots = {
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.exec_prefix),
        Path(sys.prefix).resolve(),
        source_root / "liaoyuan",
    }
    system = (
        "/usr",
        "/lib",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/fonts",
        "/etc/localtime",
        "/proc/cpuinfo",
        "/proc/meminfo",
    )
    return [
        *sorted(roots),
        *map(Path, (*system, f"/proc/{os.getpid()}", "/sys/devices/system/cpu", "/sys/fs/cgroup", "/dev/urandom")),
    ]


def _limit(memory_mb: int) -> None:
    memory = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # Nothing may be written but the error log, which is a file of the parent.
    resource.setrlimit(resource.RLIMIT_FSIZE, (_STDERR_BYTES, _STDERR_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))


def limit_processor(seconds: int) -> None:
    """From now on the process may use ``seconds`` of processor time; then the kernel ends it (SIGXCPU)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(
        resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + seconds + 1, resource.RLIM_INFINITY)
    )
