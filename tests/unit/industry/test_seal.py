"""The seal: whatever was changed, removed or added after signing is refused, and named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from liaoyuan.industry.errors import IndustryError, PackHostile, PackTampered, PackUnsigned, SignatureRefused
from liaoyuan.industry.loader import Trust, pack_load
from liaoyuan.industry.services import industry_sign
from tests.unit.industry.packs import FILES, pack_write, put, signed, trust_in


def change(name: str) -> Callable[[Path], None]:
    return lambda folder: put(folder, name, (folder / name).read_text() + " ")


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_file_of_any_kind_is_refused_and_named(pack: Path, trust: Trust, name: str) -> None:
    change(name)(pack)
    with pytest.raises(PackTampered, match=name.replace(".", r"\.") + " was changed"):
        pack_load(pack, trust)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_of_any_kind_is_refused_and_named(pack: Path, trust: Trust, name: str) -> None:
    (pack / name).unlink()
    with pytest.raises(PackTampered, match="is missing"):
        pack_load(pack, trust)


@pytest.mark.parametrize("name", ["checks.py", "documents/extra.md", "prompts/extra.md", ".hidden", "deep/er/file.txt"])
def test_an_added_file_is_refused_and_named(pack: Path, trust: Trust, name: str) -> None:
    put(pack, name, "added")
    with pytest.raises(PackTampered, match=f"{name} was added"):
        pack_load(pack, trust)


def test_a_manifest_rewritten_to_fit_does_not_pass(pack: Path, trust: Trust) -> None:
    change("prompts/answer.md")(pack)
    industry_sign(root=pack, key_file=pack.parent.parent / "attacker.pem")
    with pytest.raises(SignatureRefused, match="is not trusted"):
        pack_load(pack, trust)


def test_a_strangers_signature_under_a_trusted_name_does_not_pass(pack: Path, trust: Trust) -> None:
    trusted_id = (pack / "MANIFEST.sig").read_text().split()[1]
    industry_sign(root=pack, key_file=pack.parent.parent / "attacker.pem")
    forged = (pack / "MANIFEST.sig").read_text().split()
    (pack / "MANIFEST.sig").write_text(f"ed25519 {trusted_id} {forged[2]}\n")
    with pytest.raises(SignatureRefused, match="does not match MANIFEST"):
        pack_load(pack, trust)


def test_a_signature_of_another_manifest_does_not_pass(
    pack: Path, tmp_path: Path, key_file: Path, trust: Trust
) -> None:
    other = signed(pack_write(tmp_path / "other", NOTICE="Another.\n"), key_file)
    (pack / "MANIFEST.sig").write_text((other / "MANIFEST.sig").read_text())
    with pytest.raises(SignatureRefused):
        pack_load(pack, trust)


@pytest.mark.parametrize("text", ["", "ed25519", "ed25519 x !!!", "rsa 00 AAAA", "ed25519 0 AAAA extra", "é"])
def test_an_unreadable_signature_is_refused(pack: Path, trust: Trust, text: str) -> None:
    (pack / "MANIFEST.sig").write_text(text, encoding="utf-8")
    with pytest.raises(SignatureRefused):
        pack_load(pack, trust)


@pytest.mark.parametrize("name", ["MANIFEST", "MANIFEST.sig"])
def test_a_missing_seal_is_refused(pack: Path, trust: Trust, name: str) -> None:
    (pack / name).unlink()
    with pytest.raises(PackUnsigned, match=name):
        pack_load(pack, trust)


def test_unsigned_passes_only_where_it_is_allowed(pack: Path, trust: Trust) -> None:
    for name in ("MANIFEST", "MANIFEST.sig"):
        (pack / name).unlink()
    lenient = Trust(trust.keys, trust.folder, allow_unsigned=True)
    assert pack_load(pack, lenient).signed_by == "unsigned"


def test_allowing_unsigned_does_not_let_a_tampered_pack_pass(pack: Path, trust: Trust) -> None:
    change("prompts/answer.md")(pack)
    with pytest.raises(PackTampered):
        pack_load(pack, Trust(trust.keys, trust.folder, allow_unsigned=True))


def test_trusting_nobody_refuses_everything(pack: Path) -> None:
    with pytest.raises(SignatureRefused):
        pack_load(pack, Trust((), "keys"))


def test_a_symbolic_link_in_the_pack_is_refused(pack: Path, trust: Trust, tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_bytes((pack / "documents/rules.md").read_bytes())
    (pack / "documents/rules.md").unlink()
    (pack / "documents/rules.md").symlink_to(outside)
    with pytest.raises(PackHostile, match="symbolic links are refused"):
        pack_load(pack, trust)


def test_a_linked_folder_is_refused(pack: Path, trust: Trust, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    (pack / "more").symlink_to(tmp_path / "moved")
    with pytest.raises(PackHostile):
        pack_load(pack, trust)


def test_python_caches_do_not_count_and_are_never_run(pack: Path, trust: Trust) -> None:
    put(pack, "__pycache__/checks.cpython-311.pyc", "not code")
    assert "__pycache__" not in str(pack_load(pack, trust).files.keys())


def test_a_broken_pack_is_not_signed(tmp_path: Path, key_file: Path) -> None:
    folder = pack_write(tmp_path / "broken", prompts___answer__md="{{secret}}")
    with pytest.raises(IndustryError, match="secret"):
        industry_sign(root=folder, key_file=key_file)
    assert not (folder / "MANIFEST.sig").exists()


def test_the_private_key_may_not_lie_in_the_pack(pack: Path) -> None:
    with pytest.raises(IndustryError, match="must not lie inside"):
        industry_sign(root=pack, key_file=pack / "key.pem")
    assert not (pack / "key.pem").exists()


def test_a_new_key_file_is_private(tmp_path: Path) -> None:
    trust_in(tmp_path / "new.pem")
    assert (tmp_path / "new.pem").stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in (tmp_path / "new.pub.pem").read_bytes()
