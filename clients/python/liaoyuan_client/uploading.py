"""Sends a folder: each file in parts that are checked, going on where a broken connection stopped."""

import hashlib
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from liaoyuan_client.transport import Transport

PART = 4 << 20
Report = Callable[[str, int, int], None]


def files_below(path: Path) -> list[tuple[Path, str]]:
    """The files of a folder with their relative names, hidden ones left out; a file alone under its own name."""
    if path.is_file():
        return [(path, path.name)]
    found = sorted(each for each in path.rglob("*") if each.is_file() and not each.is_symlink())
    named = [(each, each.relative_to(path).as_posix()) for each in found]
    return [(each, name) for each, name in named if not any(part.startswith(".") for part in name.split("/"))]


def send(
    transport: Transport,
    collection_id: str,
    paths: Iterable[Path],
    *,
    groups: Iterable[str] = (),
    report: Report = lambda name, sent, size: None,
) -> dict[str, Any]:
    """Send every file of ``paths`` and start their import; the started run. ``report`` hears each part."""
    batch = str(uuid.uuid4())
    for path in paths:
        for file, name in files_below(Path(path)):
            _send_file(transport, batch, file, name, report)
    body = {"batch": batch, "groups": list(groups)}
    started: dict[str, Any] = transport.json("POST", f"/collections/{collection_id}/imports", json=body)
    run: dict[str, Any] = started["runs"][0]
    return run


def _send_file(transport: Transport, batch: str, file: Path, name: str, report: Report) -> None:
    size = file.stat().st_size
    body = {"batch": batch, "name": name, "size": size, "modified": int(file.stat().st_mtime * 1000)}
    upload = transport.json("POST", "/uploads", json=body)
    received = int(upload["received"])
    with file.open("rb") as source:
        while received < size:
            source.seek(received)
            part = source.read(PART)
            query: dict[str, str | int] = {
                "batch": batch,
                "offset": received,
                "sha256": hashlib.sha256(part).hexdigest(),
            }
            headers = {"Content-Type": "application/octet-stream"}
            answer = transport.json("PUT", f"/uploads/{upload['id']}", params=query, content=part, headers=headers)
            received = int(answer["received"])
            report(name, received, size)
