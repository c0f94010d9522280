"""Verbs on packs: sign one, install one. (Validation and tests are questions: see ``examination``.)"""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from liaoyuan.industry.errors import IndustryError, InstallRefused
from liaoyuan.industry.files import PackFiles, files_read
from liaoyuan.industry.loader import UNSIGNED, Trust, pack_load, pack_version
from liaoyuan.industry.manifest import MANIFEST, SIGNATURE, key_id, manifest_text, signature_text, signing_key_open
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.reading import pack_read


@dataclass(frozen=True)
class Signed:
    """What a signing wrote."""

    name: str
    version: str
    key: str
    files: int


def industry_sign(*, root: Path, key_file: Path) -> Signed:
    """Write MANIFEST and MANIFEST.sig of the pack in ``root`` with the private key in ``key_file`` (made if absent).

    Raises:
        IndustryError: the pack breaks the format; a broken pack is not signed.
        InstallRefused: the key lies inside the pack, where it would be handed out.
    """
    if key_file.resolve().is_relative_to(root.resolve()):
        raise InstallRefused(
            pack=root.name,
            problem="the private key must not lie inside the pack",
            problem_zh="私钥不能放在行业包目录内",
        )
    files = files_read(root)
    pack, problems = pack_read(root, files, UNSIGNED)
    if pack is None:
        raise problems[0]
    pack.code()
    key = signing_key_open(key_file)
    manifest = manifest_text(files).encode()
    (root / MANIFEST).write_bytes(manifest)
    (root / SIGNATURE).write_text(signature_text(manifest, key), encoding="ascii")
    return Signed(pack.name, pack.spec.version, key_id(key.public_key()), manifest.count(b"\n"))


def industry_install(*, source: Path, target_root: Path, trust: Trust, built_in: tuple[Path, ...] = ()) -> IndustryPack:
    """Verify the pack in ``source`` and put it into ``target_root/<name>`` in one move.

    What is written is what was verified (the bytes in memory), never a second reading of ``source``.

    Raises:
        IndustryError: unsigned, by a stranger, tampered with, hostile or broken.
        InstallRefused: the same or a higher version is there already, here or among ``built_in``.
    """
    pack = pack_load(source, _signed_only(trust))
    pack.code()
    for root in (target_root, *built_in):
        _refuse_downgrade(pack, root / pack.name)
    target_root.mkdir(parents=True, exist_ok=True)
    draft = target_root / f".{pack.name}.{secrets.token_hex(8)}"
    try:
        _write(draft, pack.files)
        _swap(draft, target_root / pack.name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return pack_load(target_root / pack.name, _signed_only(trust))


def _signed_only(trust: Trust) -> Trust:
    return Trust(trust.keys, trust.folder, allow_unsigned=False)


def _refuse_downgrade(pack: IndustryPack, present: Path) -> None:
    if present.is_symlink():
        raise InstallRefused(pack=pack.name, problem="the target is a symbolic link", problem_zh="安装位置是符号链接")
    if not (present / "industry.toml").is_file():
        return
    installed = pack_version(present)
    if installed >= pack.spec.version_key:
        version = ".".join(map(str, installed))
        raise InstallRefused(
            pack=pack.name,
            problem=f"version {version} is there already and {pack.spec.version} is not newer",
            problem_zh=f"已有版本 {version}，{pack.spec.version} 并不更新",
        )


def _write(draft: Path, files: PackFiles) -> None:
    for name, data in files.items():
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _swap(draft: Path, target: Path) -> None:
    """Put ``draft`` in the place of ``target``; an older version steps aside first and comes back if that fails."""
    aside = draft.with_name(f"{draft.name}.old")
    replaced = target.exists()
    if replaced:
        target.replace(aside)
    try:
        draft.replace(target)
    except OSError:
        if replaced:
            aside.replace(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


__all__ = ["IndustryError", "Signed", "industry_install", "industry_sign"]
