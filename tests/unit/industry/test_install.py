"""Installing: only what was verified is written, all or nothing, and never backwards."""

import os
import shutil
from pathlib import Path

import pytest

from liaoyuan.industry.errors import IndustryError, InstallRefused, PackHostile, PackTampered, PackUnsigned
from liaoyuan.industry.loader import Trust, pack_load
from liaoyuan.industry.services import industry_install
from tests.unit.industry.packs import INDUSTRY, pack_write, put, signed


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "installed"


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def newer(tmp_path: Path, key_file: Path, version: str) -> Path:
    return signed(pack_write(tmp_path / version, industry__toml=INDUSTRY.replace("1.2.0", version)), key_file)


def test_an_installed_pack_is_whole_and_verified(pack: Path, target: Path, trust: Trust) -> None:
    installed = industry_install(source=pack, target_root=target, trust=trust)
    assert installed.root == target / "harbour"
    assert pack_load(target / "harbour", trust).files == pack_load(pack, trust).files
    assert names(target) == ["harbour"]


def test_a_newer_version_replaces_the_older(
    pack: Path, target: Path, trust: Trust, tmp_path: Path, key_file: Path
) -> None:
    industry_install(source=pack, target_root=target, trust=trust)
    industry_install(source=newer(tmp_path, key_file, "1.10.0"), target_root=target, trust=trust)
    assert pack_load(target / "harbour", trust).spec.version == "1.10.0"
    assert names(target) == ["harbour"]


@pytest.mark.parametrize("version", ["1.2.0", "1.1.9", "0.9.9"])
def test_the_same_or_an_older_version_is_refused(
    pack: Path, target: Path, trust: Trust, tmp_path: Path, key_file: Path, version: str
) -> None:
    industry_install(source=pack, target_root=target, trust=trust)
    with pytest.raises(InstallRefused, match="is not newer"):
        industry_install(source=newer(tmp_path, key_file, version), target_root=target, trust=trust)
    assert pack_load(target / "harbour", trust).spec.version == "1.2.0"


def test_a_built_in_pack_is_not_shadowed_by_an_older_one(pack: Path, target: Path, trust: Trust) -> None:
    with pytest.raises(InstallRefused):
        industry_install(source=pack, target_root=target, trust=trust, built_in=(pack.parent,))
    assert not target.exists()


def test_unsigned_is_refused_even_where_reading_it_is_allowed(pack: Path, target: Path, trust: Trust) -> None:
    (pack / "MANIFEST.sig").unlink()
    with pytest.raises(PackUnsigned):
        industry_install(source=pack, target_root=target, trust=Trust(trust.keys, trust.folder, allow_unsigned=True))
    assert not target.exists()


def test_tampered_is_refused(pack: Path, target: Path, trust: Trust) -> None:
    put(pack, "NOTICE", "changed")
    with pytest.raises(PackTampered):
        industry_install(source=pack, target_root=target, trust=trust)
    assert not target.exists()


def link_out(folder: Path) -> None:
    (folder / "documents" / "passwd.md").symlink_to("/etc/passwd")


def link_loop(folder: Path) -> None:
    (folder / "documents" / "loop").symlink_to(folder)


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "documents" / "pipe.md")


def odd_name(folder: Path) -> None:
    put(folder, "documents/line\nbreak.md", "x")


def backslash(folder: Path) -> None:
    put(folder, "documents/..\\..\\evil.md", "x")


@pytest.mark.parametrize("spoil", [link_out, link_loop, pipe, odd_name, backslash])
def test_a_hostile_folder_is_refused_and_writes_nothing(pack: Path, target: Path, trust: Trust, spoil: object) -> None:
    assert callable(spoil)
    spoil(pack)
    with pytest.raises(PackHostile):
        industry_install(source=pack, target_root=target, trust=trust)
    assert not target.exists()


def test_a_link_to_a_pack_is_refused(pack: Path, target: Path, trust: Trust, tmp_path: Path) -> None:
    (tmp_path / "harbour").symlink_to(pack)
    with pytest.raises(PackHostile):
        industry_install(source=tmp_path / "harbour", target_root=target, trust=trust)


def test_a_link_at_the_target_is_not_followed(pack: Path, target: Path, trust: Trust, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target.mkdir()
    (target / "harbour").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InstallRefused):
        industry_install(source=pack, target_root=target, trust=trust)
    assert names(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("line", ["../../escape.md", "/etc/escape.md", "documents/../../escape.md"])
def test_a_manifest_that_names_a_path_outside_writes_nothing_there(
    pack: Path, target: Path, trust: Trust, line: str
) -> None:
    (pack / "MANIFEST").write_text(f"{'0' * 64}  {line}\n")
    with pytest.raises(IndustryError):
        industry_install(source=pack, target_root=target, trust=trust)
    assert not target.exists()


def test_a_folder_with_another_name_than_the_pack_is_refused(pack: Path, target: Path, trust: Trust) -> None:
    other = pack.with_name("something")
    shutil.move(pack, other)
    with pytest.raises(IndustryError, match="they must agree"):
        industry_install(source=other, target_root=target, trust=trust)


def test_no_folder_at_all(tmp_path: Path, target: Path, trust: Trust) -> None:
    with pytest.raises(PackHostile, match="not a plain folder"):
        industry_install(source=tmp_path / "nothing", target_root=target, trust=trust)
