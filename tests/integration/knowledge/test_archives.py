"""A ZIP of documents is imported as its files; what is hostile in it costs its own line."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.services import documents_import
from liaoyuan.knowledge.services.unpacking import Member, archive_unpack, member_name
from tests.integration.knowledge.conftest import NURSING, WASTE
from tests.unit.knowledge_parse.files import zipped


def bundle(path: Path, members: dict[str, str | bytes], *, links: tuple[str, ...] = ()) -> Path:
    path.write_bytes(zipped(members, links=links))
    return path


def imported(organization: Any, path: Path, engine: Any = None) -> list[tuple[str, str, str]]:
    outcomes = documents_import(organization_id=organization.id, collection="制度", paths=[path], engine=engine)
    return [(outcome.path.removeprefix(f"{path.parent}/"), outcome.state, outcome.code) for outcome in outcomes]


def test_the_files_of_a_zip_become_documents(organization: Any, tmp_path: Path, engine: Any) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x.md", NURSING)
    members = {"制度/护理值班制度.md": NURSING, "医疗废物管理办法.md": WASTE, "深/再一层.zip": inner.getvalue()}
    found = imported(
        organization, bundle(tmp_path / "全部.zip", {**members, "__MACOSX/._a": "x", ".DS_Store": "x"}), engine
    )
    assert found == [
        ("全部.zip/制度/护理值班制度.md", "ready", ""),
        ("全部.zip/医疗废物管理办法.md", "ready", ""),
        ("全部.zip/深/再一层.zip", "rejected", "unsupported_type"),
    ]


def test_traversal_and_links_are_refused_and_the_rest_goes_on(organization: Any, tmp_path: Path, engine: Any) -> None:
    path = bundle(tmp_path / "a.zip", {"../up.md": NURSING, "/abs.md": NURSING, "b.md": WASTE}, links=("link.md",))
    states = {name: (state, code) for name, state, code in imported(organization, path, engine)}
    assert states == {
        "a.zip/../up.md": ("rejected", "file_unsafe"),
        "a.zip//abs.md": ("rejected", "file_unsafe"),
        "a.zip/b.md": ("ready", ""),
        "a.zip/link.md": ("rejected", "file_unsafe"),
    }
    assert not (tmp_path / "up.md").exists()


def test_a_bomb_an_enciphered_and_a_broken_archive_are_told_by_their_code(organization: Any, tmp_path: Path) -> None:
    bomb = bundle(tmp_path / "bomb.zip", {"a.txt": bytes(80_000_000)})
    secret = bundle(tmp_path / "secret.zip", {"a.txt": "x" * 50})
    data = bytearray(secret.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + offset] |= 1
    secret.write_bytes(data)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    codes = [imported(organization, path)[0][2] for path in (bomb, secret, tmp_path / "broken.zip")]
    assert codes == ["zip_bomb", "encrypted", "corrupt"]


def test_a_directory_that_lies_about_sizes_unpacks_no_more_than_it_said(tmp_path: Path) -> None:
    path = bundle(tmp_path / "a.zip", {"a.txt": bytes(3_000_000)})
    data = bytearray(path.read_bytes())
    place = data.find(b"PK\x01\x02")
    data[place + 24 : place + 28] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    (tmp_path / "out").mkdir()
    with pytest.raises(Exception, match=r"damaged|unsafe"):
        list(archive_unpack(path, tmp_path / "out"))
    assert sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file()) <= 3_000_000


def test_limits_hold_for_the_number_and_the_sum_of_files(tmp_path: Path) -> None:
    path = bundle(tmp_path / "a.zip", {f"{number}.txt": "x" for number in range(5)})
    (tmp_path / "out").mkdir()
    with pytest.raises(Exception, match="5 entries"):
        list(archive_unpack(path, tmp_path / "out", Limits(archive_entries=4)))


def test_names_written_by_chinese_windows_are_read_as_meant(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("护理制度.md".encode("gb18030").decode("cp437"))
    entry.flag_bits = 0
    assert member_name(entry) == "护理制度.md"
    (tmp_path / "out").mkdir()
    path = bundle(tmp_path / "a.zip", {"护理制度.md": "x"})
    assert [member.name for member in archive_unpack(path, tmp_path / "out") if isinstance(member, Member)] == [
        "护理制度.md"
    ]
