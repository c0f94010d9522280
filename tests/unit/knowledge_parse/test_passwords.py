"""A protected file asks for its password; given once, it opens in the confinement and is readable from then on."""

import io
from pathlib import Path

import msoffcrypto
import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from liaoyuan.knowledge.parse.errors import PasswordWrong
from liaoyuan.knowledge.parse.pages import unlock_file
from liaoyuan.knowledge.parse.sandbox import parse_file
from tests.unit.knowledge_parse.conftest import Parse
from tests.unit.knowledge_parse.files import deck_pptx, ledger_xlsx, protected_pdf, statute_docx

PASSWORD = "秘密 secret"


def protected_office(path: Path) -> Path:
    stream = io.BytesIO()
    OOXMLFile(io.BytesIO(path.read_bytes())).encrypt(PASSWORD, stream)
    path.write_bytes(stream.getvalue())
    return path


MAKERS = {
    "a.pdf": lambda path: protected_pdf(path, "secret"),
    "a.docx": lambda path: protected_office(statute_docx(path)),
    "a.xlsx": lambda path: protected_office(ledger_xlsx(path)),
    "a.pptx": lambda path: protected_office(deck_pptx(path)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_without_a_password_it_asks_and_a_wrong_one_is_told_apart(tmp_path: Path, parse: Parse, name: str) -> None:
    path = MAKERS[name](tmp_path / name)
    assert parse(path).code == "password_needed"
    assert "密码" in parse(path).reason("zh") and "password" in parse(path).reason("en")
    with pytest.raises(PasswordWrong):
        unlock_file(path, "not it")


@pytest.mark.parametrize("name", MAKERS)
def test_unlocked_it_reads_like_any_other_file(tmp_path: Path, parse: Parse, name: str) -> None:
    path = MAKERS[name](tmp_path / name)
    opened = unlock_file(path, "secret" if name.endswith("pdf") else PASSWORD)
    assert opened != path.read_bytes()
    path.write_bytes(opened)
    outcome = parse(path)
    assert outcome.state == "ready" and outcome.document is not None
    assert not msoffcrypto.olefile.isOleFile(opened)


def test_a_parse_takes_a_password_too(tmp_path: Path) -> None:
    path = MAKERS["a.docx"](tmp_path / "a.docx")
    assert parse_file(path, password=PASSWORD).state == "ready"
    assert parse_file(path, password="no").code == "password_wrong"


def test_a_file_without_protection_comes_back_as_it_is(tmp_path: Path) -> None:
    path = statute_docx(tmp_path / "a.docx")
    assert unlock_file(path, "whatever") == path.read_bytes()
