"""Run a program that refuses root, without a second account where the kernel allows it."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from liaoyuan.compute.engines.errors import RootRefused

NOBODY = 65534
# Inside a user namespace the program sees itself as nobody, while its files stay owned by whoever started it.
NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
ACCOUNT = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def unprivileged_prefix(*folders: Path, root: Path) -> tuple[str, ...]:
    """Words to put before a command line so that it does not run as root; empty when we are not root.

    Where user namespaces are refused the account nobody is used, to which ``folders`` (what it writes) then go; the
    folders between them and ``root`` may then be passed through, not read, by others.
    Raises RootRefused when neither works.
    """
    if os.geteuid() != 0:
        return ()
    if _works(NAMESPACE):
        return NAMESPACE
    if not _works(ACCOUNT):
        raise RootRefused(engine="postgres", detail="unshare and setpriv both failed", log="")
    for folder in folders:
        _hand_over(folder, root)
    return ACCOUNT


@cache
def _works(prefix: tuple[str, ...]) -> bool:
    if shutil.which(prefix[0]) is None:
        return False
    return subprocess.run([*prefix, "true"], check=False, capture_output=True, timeout=10).returncode == 0


def _hand_over(folder: Path, root: Path) -> None:
    for parent in folder.parents:
        if parent.is_relative_to(root):
            parent.chmod(parent.stat().st_mode | 0o011)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    reach = subprocess.run([*ACCOUNT, "test", "-w", str(folder)], check=False, capture_output=True, timeout=10)
    if reach.returncode != 0:
        raise RootRefused(engine="postgres", detail=f"nobody cannot reach {folder}", log="")
