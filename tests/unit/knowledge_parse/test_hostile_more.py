"""More of what strangers send: bombs inside of formats, scripts, macros, depth, mixtures, files cut off anywhere."""

import socket
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.knowledge_parse.conftest import Parse
from tests.unit.knowledge_parse.files import (
    deck_pptx,
    ledger_xlsx,
    many_pages_pdf,
    office_zip,
    png_header,
    statute_docx,
    with_member,
    write_pdf,
)
from tests.unit.knowledge_parse.test_formats import ready
from tests.unit.knowledge_parse.test_hostile import assert_rejected

CALM = frozenset(
    {"", "corrupt", "no_text", "unsupported_type", "empty_file", "zip_bomb", "too_many_pages", "image_too_large"}
)


def bomb_pdf(path: Path, *, objects: bool) -> Path:
    """A few kilobytes that inflate to 200 MB: as a page's content, or as a stream that should hold the objects."""
    body = zlib.compress(b"BT /F1 12 Tf (x) Tj ET\n" * 9_000_000, 9)
    stream = b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream"
    extra = b"/Type /ObjStm /N 100000 /First 10" if objects else b""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << >> >>"
    tree = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>", page]
    return write_pdf(path, [*tree, stream % (len(body), extra, body)])


@pytest.mark.parametrize("objects", [False, True])
def test_a_pdf_stream_that_inflates_costs_its_file_and_no_more(tmp_path: Path, parse: Parse, objects: bool) -> None:
    outcome = parse(bomb_pdf(tmp_path / "a.pdf", objects=objects))
    # pdfium ends its process where it gets no more memory: that is what the process is for.
    assert outcome.code in CALM | {"out_of_memory", "timeout", "crashed"}, outcome
    assert outcome.peak_memory_mb < 2560
    assert parse(many_pages_pdf(tmp_path / "b.pdf", 1)).state == "ready"


XLSX_XXE = (
    '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&x;</t></si></sst>'
)
BILLION = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {name} "{f"&{below};" * 10}">' for below, name in zip("abcdefgh", "bcdefghi", strict=True))
    + ']><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>&i;'
    "</w:t></w:r></w:p></w:body></w:document>"
)


def test_entities_neither_read_files_nor_grow(tmp_path: Path, parse: Parse) -> None:
    workbook = parse(with_member(ledger_xlsx(tmp_path / "a.xlsx"), "xl/sharedStrings.xml", XLSX_XXE))
    document = parse(with_member(statute_docx(tmp_path / "a.docx"), "word/document.xml", BILLION))
    for outcome in (workbook, document):
        assert outcome.document is None or "root:" not in outcome.document.text
        assert outcome.document is None or "aaaaaaaaaaaaaaaaaaaaaaa" not in outcome.document.text
        assert outcome.peak_memory_mb < 500


def test_an_entity_in_a_sheet_costs_its_file_and_says_so(tmp_path: Path, parse: Parse) -> None:
    path = ledger_xlsx(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    head, _, rest = sheet.partition("<worksheet")
    told = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    body = f"{head}{told}<worksheet{rest}".replace("</sheetData>", '<row><c t="str"><v>&x;</v></c></row></sheetData>')
    outcome = parse(with_member(path, "xl/worksheets/sheet1.xml", body))
    assert outcome.code in {"", "corrupt"}
    assert outcome.document is None or "root:" not in outcome.document.text


RELATION = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId98" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
    'Target="{address}" TargetMode="External"/></Relationships>'
)


def test_nothing_outside_is_asked_for_by_any_format(tmp_path: Path, parse: Parse) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        link = RELATION.format(kind="image", address=address)
        parse(with_member(deck_pptx(tmp_path / "a.pptx"), "ppt/slides/_rels/slide9.xml.rels", link))
        parse(with_member(ledger_xlsx(tmp_path / "a.xlsx"), "xl/externalLinks/_rels/externalLink1.xml.rels", link))
        page = f'<html><link rel="stylesheet" href="{address}"><img src="{address}"><iframe src="{address}"></iframe>'
        (tmp_path / "a.html").write_text(page + "<p>words</p></html>")
        (tmp_path / "a.md").write_text(f"# t\n\n![x]({address})\n\nwords")
        for name in ("a.html", "a.md"):
            assert "words" in ready(parse(tmp_path / name)).text
        with pytest.raises(TimeoutError):
            server.accept()


def test_scripts_give_no_words_and_a_drawing_with_them_is_refused(tmp_path: Path, parse: Parse) -> None:
    page = "<html><body onload='steal()'><script>steal()</script><svg><script>steal()</script></svg><p>words</p></body>"
    (tmp_path / "a.html").write_text(page)
    assert ready(parse(tmp_path / "a.html")).text == "words"
    (tmp_path / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>steal()</script></svg>')
    assert_rejected(parse(tmp_path / "a.svg"), "unsupported_type")


def test_formulas_in_a_csv_stay_the_text_they_are(tmp_path: Path, parse: Parse) -> None:
    (tmp_path / "a.csv").write_text('name,value\n=cmd|\' /C calc\'!A0,1\n"=HYPERLINK(""http://x"",""y"")",2\n')
    (table,) = ready(parse(tmp_path / "a.csv")).blocks
    assert table.table is not None
    assert [row[0] for row in table.table] == ["name", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x","y")']


def test_macros_and_embedded_objects_are_never_opened(tmp_path: Path, parse: Parse) -> None:
    with_macro = with_member(
        statute_docx(tmp_path / "a.docm"), "word/vbaProject.bin", b"\xd0\xcf\x11\xe0" + b"Auto" * 99
    )
    assert "制定本条例" in ready(parse(with_macro)).text
    (tmp_path / "a.rtf").write_bytes(
        b"{\\rtf1\\ansi words stay.\\par{\\object\\objemb{\\*\\objdata 0105000002000000}{\\result shown}}"
        b"{\\field{\\*\\fldinst DDEAUTO c:\\\\cmd.exe calc}{\\fldrslt done}}\\par}"
    )
    text = ready(parse(tmp_path / "a.rtf")).text
    assert "words stay" in text and "cmd.exe" not in text and "0105" not in text


DEEP = 10_000
DEPTHS = {
    "a.json": "[" * DEEP + "1" + "]" * DEEP,
    "a.html": "<html><body>" + "<div>" * DEEP + "deep words" + "</div>" * DEEP,
    "b.html": "<html><body>" + "<ul><li>" * DEEP + "deep words",
    "a.md": "> " * DEEP + "deep words",
    "b.md": "".join(f"{' ' * level}- item\n" for level in range(400)),
    "a.eml": "From: a@b.c\nTo: d@e.f\nSubject: s\n"
    + "".join(f'Content-Type: multipart/mixed; boundary="{level}"\n\n--{level}\n' for level in range(2000)),
}


@pytest.mark.parametrize("name", DEPTHS)
def test_depth_without_end_ends(tmp_path: Path, parse: Parse, name: str) -> None:
    (tmp_path / name).write_text(DEPTHS[name])
    outcome = parse(tmp_path / name)
    assert outcome.code in CALM, outcome
    assert outcome.peak_memory_mb < 1000


def test_deep_xml_inside_an_office_file_ends(tmp_path: Path, parse: Parse) -> None:
    names = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = "<w:sdt><w:sdtContent>" * DEEP + "</w:sdtContent></w:sdt>" * DEEP
    deep = f"<w:document {names}><w:body>{body}</w:body></w:document>"
    assert parse(with_member(statute_docx(tmp_path / "a.docx"), "word/document.xml", deep)).code in CALM


def test_a_file_of_two_encodings_is_read_line_by_line(tmp_path: Path, parse: Parse) -> None:
    first = "变压器的油温应当每小时记录一次，由值班人员签字。\n" * 3
    second = "值班人员发现异常的，应当立即报告调度机构。\n"
    (tmp_path / "a.log").write_bytes(
        first.encode() + second.encode("gb18030") + b"plain ascii\n" + "une ligne é\n".encode("latin-1")
    )
    text = ready(parse(tmp_path / "a.log")).text
    assert "une ligne é" in text
    assert "油温应当每小时记录一次" in text and "立即报告调度机构" in text and "plain ascii" in text


def test_an_apple_picture_is_refused_with_what_to_do(tmp_path: Path, parse: Parse) -> None:
    (tmp_path / "a.heic").write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(500))
    outcome = parse(tmp_path / "a.heic")
    assert_rejected(outcome, "unsupported_heic")
    assert "JPEG" in outcome.reason("zh") and "JPEG" in outcome.reason("en")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One sound file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    made = [statute_docx(folder / "a.docx"), ledger_xlsx(folder / "a.xlsx"), deck_pptx(folder / "a.pptx")]
    found = {path.name: path.read_bytes() for path in [*made, many_pages_pdf(folder / "a.pdf", 3)]}
    page = "<html><head><meta charset=gbk></head><table><tr><td>一</td><td>二</td></tr></table><p>三</p></body></html>"
    mail = "From: a@b.c\nTo: d@e.f\nSubject: =?utf-8?B?5YC854+t?=\nContent-Type: text/html\n\n" + page
    return found | {
        "a.html": page.encode("gb18030"),
        "a.eml": mail.encode(),
        "a.csv": "名称,数量\n开关,3\n刀闸,4\n".encode("gb18030"),
        "a.rtf": b"{\\rtf1\\ansi\\ansicpg936 \\u21307?\\u38498? \\'d6\\'c6\\par \\trowd a\\cell 1\\cell\\row}",
        "a.zip": office_zip({"mimetype": "application/epub+zip", "x": "y"}),
        "a.png": png_header(40, 40),
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_cut_off_anywhere_or_with_bytes_turned_never_crashes_its_reader(
    tmp_path: Path, parse: Parse, whole: dict[str, bytes], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(whole)))
    body = bytearray(whole[name][: data.draw(st.integers(1, len(whole[name])))])
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=4)):
        body[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / name).write_bytes(bytes(body))
    outcome = parse(tmp_path / name)
    assert outcome.code in CALM | {"password_needed", "encrypted"}, (name, outcome)
