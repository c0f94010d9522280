"""From a folder to a typed, verified :class:`IndustryPack`; from a name to a folder of an allow-list."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from liaoyuan.industry.errors import IndustryError, IndustryUnknown
from liaoyuan.industry.files import files_read
from liaoyuan.industry.kept import pack_kept
from liaoyuan.industry.manifest import SIGNATURE, TrustedKey, seal_verify, trusted_keys_read
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.reading import pack_read

UNSIGNED = "unsigned"
PROJECT_KEYS = Path(__file__).resolve().parent / "keys"


@dataclass(frozen=True)
class Trust:
    """Whose packs are accepted. ``allow_unsigned`` is for authors at their own desk, never for production."""

    keys: tuple[TrustedKey, ...]
    folder: str
    allow_unsigned: bool = False

    @classmethod
    def from_folders(cls, operator: Path | None = None, *, allow_unsigned: bool = False) -> "Trust":
        """The project's own keys and those that the operator put into ``operator``."""
        folders = [PROJECT_KEYS] if operator is None else [PROJECT_KEYS, operator]
        return cls(trusted_keys_read(*folders), str(operator or PROJECT_KEYS), allow_unsigned)


def pack_load(root: Path, trust: Trust) -> IndustryPack:
    """Verify and read the pack in ``root``, if that was not done since anything in it changed.

    Raises:
        IndustryError: the first thing that is wrong, with the file and what to do.
    """
    keys = tuple((key.name, key.key.public_bytes_raw()) for key in trust.keys)
    return pack_kept(root, (trust.allow_unsigned, keys), lambda: _pack_load(root, trust))


def _pack_load(root: Path, trust: Trust) -> IndustryPack:
    pack, problems = pack_examine(root, trust)
    if pack is None:
        raise problems[0]
    return pack


def pack_examine(root: Path, trust: Trust) -> tuple[IndustryPack | None, list[IndustryError]]:
    """The pack, or None and every problem: the seal's first, then the format's (an author sees both at once)."""
    try:
        files = files_read(root)
    except IndustryError as error:
        return None, [error]
    problems: list[IndustryError] = []
    signed_by = UNSIGNED
    if not (trust.allow_unsigned and SIGNATURE not in files):
        try:
            signed_by = seal_verify(root.name, files, trust.keys, trust.folder).name
        except IndustryError as error:
            problems.append(error)
    pack, found = pack_read(root, files, signed_by)
    problems.extend(found)
    return (None if problems else pack), problems


def pack_folders(roots: Iterable[Path]) -> dict[str, Path]:
    """Name → folder of every pack below ``roots``. Of two with one name the higher version counts, else the earlier
    root.

    The version read here only chooses a folder; whatever is chosen must still pass its signature.
    """
    found: dict[str, Path] = {}
    for root in (r for r in roots if r.is_dir()):
        for folder in sorted(p for p in root.iterdir() if (p / "industry.toml").is_file()):
            if folder.name not in found or pack_version(folder) > pack_version(found[folder.name]):
                found[folder.name] = folder
    return found


def pack_version(folder: Path) -> tuple[int, ...]:
    """(major, minor, patch) as written in industry.toml.

    (0, 0, 0) where it cannot be read (verification then says why).
    """
    try:
        written = tomllib.loads((folder / "industry.toml").read_text(encoding="utf-8")).get("version")
        return tuple(int(part) for part in str(written).split("."))
    except (OSError, ValueError):
        return (0, 0, 0)


def pack_find(name: str, roots: Iterable[Path]) -> Path:
    """The folder of the pack ``name``. A name is only ever compared, never joined to a path.

    Raises:
        IndustryUnknown: with the names that there are.
    """
    folders = pack_folders(roots)
    if name not in folders:
        raise IndustryUnknown(name=name, known=", ".join(sorted(folders)) or "—")
    return folders[name]
