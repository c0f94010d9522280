"""Older and open formats: Word and PowerPoint 97, Outlook, RTF, OpenDocument, EPUB, and pictures of several pages."""

import struct
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from liaoyuan.knowledge.parse import ppt
from liaoyuan.knowledge.parse.blocks import BlockType
from liaoyuan.knowledge.parse.ppt_tables import is_table, table_of
from liaoyuan.knowledge.parse.sandbox import parse_file
from tests.unit.knowledge_parse.conftest import Parse
from tests.unit.knowledge_parse.files import office_zip
from tests.unit.knowledge_parse.test_formats import of_type, ready

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
REAL = {
    "docs_docling/doc/sources/legacy_sample.doc": ["Swimming in the lake", "Calories per portion"],
    "docs_docling/doc/sources/greek_heading_styles.doc": ["Problem mit lokalisierten Dokumenten"],
    "docs_docling/ppt/sources/legacy_sample.ppt": ["Test Table Slide", "Let’s introduce a list"],
    "docs_docling/email/sources/msg_with_attachment.msg": ["Email with Attachment", "alice@example.com", "report.pdf"],
    "docs_docling/epub/sources/epub_purvis_poetry.epub": ["The Grave of the Slave"],
    "docs_docling/odf/sources/text_document_01.odt": ["Heading level 2: A", "bullet list 2.2.1"],
    "docs_docling/odf/sources/odf_presentation_01.odp": ["Second slide title", "And baz things"],
    "docs_docling/odf/sources/odf_table_with_title_01.ods": ["Freshwater Ducks"],
    "docs_docling/docx/sources/Strict.docx": ["Some text"],
    "docs_docling/tiff/sources/2206.01062.tif": ["Document-Layout Analysis"],
    "docs_docling/webp/sources/webp-test.webp": ["Docling bundles PDF"],
    "docs_unstructured/fake-doc.rtf": ["My First Heading", "Row 2, Cell 2"],
}


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")
@pytest.mark.parametrize("name", REAL)
def test_real_files_give_their_text(parse: Parse, name: str) -> None:
    document = ready(parse(DATA / name))
    assert [words for words in REAL[name] if words not in document.text] == []


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")
def test_a_word_97_file_keeps_headings_lists_captions_and_tables(parse: Parse) -> None:
    document = ready(parse(DATA / "docs_docling/doc/sources/legacy_sample.doc"))
    headings = [(block.text, block.level) for block in of_type(document, BlockType.HEADING)]
    assert headings == [("Swimming in the lake", 1), ("Let’s swim!", 2), ("Let’s eat", 3)]
    (table,) = of_type(document, BlockType.TABLE)
    assert table.table is not None
    assert table.table[1] == ["Leaves", "Ash, Elm, Maple", "50"]
    assert [block.text for block in of_type(document, BlockType.CAPTION)] == ["Figure 1: This is a cute duckling"]


def epub(path: Path, *, spine: str = '<itemref idref="b"/><itemref idref="a"/>', rights: str = "") -> Path:
    chapter = "<html><head><title>x</title></head><body><h1>{0}</h1><p>{1}</p></body></html>"
    members: dict[str, bytes | str] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OPS/p.opf"/></rootfiles></container>',
        "OPS/p.opf": '<package xmlns:dc="d"><metadata><dc:title>护理手册</dc:title></metadata><manifest>'
        '<item id="a" href="one.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="b" href="sub/%E4%BA%8C.xhtml" media-type="application/xhtml+xml"/></manifest>'
        f"<spine>{spine}</spine></package>",
        "OPS/one.xhtml": chapter.format("第一章 总则", "为了规范护理工作。"),
        "OPS/sub/二.xhtml": chapter.format("前言", "本手册供护士使用。"),
    }
    if rights:
        members["META-INF/encryption.xml"] = f'<e><CipherReference URI="{rights}"/></e>'
    path.write_bytes(office_zip(members, content_types=False))
    return path


def test_an_epub_is_read_in_the_order_of_its_spine(tmp_path: Path, parse: Parse) -> None:
    document = ready(parse(epub(tmp_path / "a.epub")))
    assert document.title == "护理手册"
    assert [block.text for block in document.blocks if "。" in block.text] == [
        "本手册供护士使用。",
        "为了规范护理工作。",
    ]


def test_a_protected_epub_is_encrypted_and_one_with_scrambled_fonts_is_not(tmp_path: Path, parse: Parse) -> None:
    assert parse(epub(tmp_path / "a.epub", rights="OPS/one.xhtml")).code == "encrypted"
    assert parse(epub(tmp_path / "b.epub", rights="OPS/font.otf")).state == "ready"


def test_a_missing_chapter_makes_an_epub_partial(tmp_path: Path, parse: Parse) -> None:
    path = epub(tmp_path / "a.epub")
    path.write_bytes(path.read_bytes().replace(b"OPS/one.xhtml", b"OPS/two.xhtml"))
    outcome = parse(path)
    assert (outcome.state, outcome.code) == ("partial", "corrupt")


ODT = (
    '<o:document-content xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:t="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:b="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><o:body><o:text>'
    "<t:tracked-changes><t:p>删去的话。</t:p></t:tracked-changes>"
    '<t:h t:outline-level="1">值班制度</t:h><t:p>夜班<t:s t:c="2"/>由<t:span>两</t:span>人值守。</t:p>'
    "<t:list><t:list-item><t:p>交接班</t:p></t:list-item></t:list>"
    "<b:table><b:table-row><b:table-cell><t:p>科室</t:p></b:table-cell><b:table-cell><t:p>人数</t:p></b:table-cell>"
    "</b:table-row><b:table-row><b:table-cell><t:p>内科</t:p></b:table-cell><b:table-cell><t:p>12</t:p></b:table-cell>"
    "</b:table-row><b:table-row><b:covered-table-cell/><b:table-cell><t:p>15</t:p></b:table-cell></b:table-row>"
    "</b:table></o:text></o:body></o:document-content>"
)


def odt(path: Path, content: str = ODT, manifest: str = "<m/>") -> Path:
    members: dict[str, bytes | str] = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": content,
        "META-INF/manifest.xml": manifest,
    }
    path.write_bytes(office_zip(members, content_types=False))
    return path


def test_odt_gives_headings_lists_and_merged_tables_without_tracked_deletions(tmp_path: Path, parse: Parse) -> None:
    document = ready(parse(odt(tmp_path / "值班.odt")))
    shapes = [(block.type, block.text) for block in document.blocks[:3]]
    assert shapes == [
        (BlockType.HEADING, "值班制度"),
        (BlockType.PARAGRAPH, "夜班 由两人值守。"),
        (BlockType.LIST, "交接班"),
    ]
    (table,) = of_type(document, BlockType.TABLE)
    assert table.table == [["科室", "人数"], ["内科", "12"], ["内科", "15"]]
    assert "删去" not in document.text


def test_a_table_in_a_cell_of_an_odt_stays_in_that_cell(tmp_path: Path, parse: Parse) -> None:
    row = "<b:table-row>{}</b:table-row>"
    cell = "<b:table-cell>{}</b:table-cell>"
    inner = "<b:table>" + row.format("".join(cell.format(f"<t:p>{word}</t:p>") for word in ("早", "晚"))) + "</b:table>"
    head = "<b:table-header-rows>" + row.format(cell.format("<t:p>药品</t:p>") + cell.format("<t:p>用法</t:p>"))
    body = row.format(cell.format("<t:p>青霉素</t:p>") + cell.format(inner))
    made = f"{ODT[: ODT.index('<b:table>')]}<b:table>{head}</b:table-header-rows>{body}</b:table>"
    document = ready(parse(odt(tmp_path / "用药.odt", f"{made}</o:text></o:body></o:document-content>")))
    (table,) = of_type(document, BlockType.TABLE)
    assert table.table == [["药品", "用法"], ["青霉素", "早 晚"]]


def test_an_encrypted_odt_asks_for_its_password_and_one_with_entities_gives_no_file(
    tmp_path: Path, parse: Parse
) -> None:
    assert parse(odt(tmp_path / "a.odt", manifest="<m><encryption-data/></m>")).code == "encrypted"
    hostile = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + ODT.replace("值班制度", "&e;值班")
    outcome = parse(odt(tmp_path / "b.odt", hostile))
    assert "root:" not in (outcome.document.text if outcome.document else "")


def test_rtf_gives_chinese_by_code_page_and_by_number_and_its_tables(tmp_path: Path, parse: Parse) -> None:
    body = b"{\\rtf1\\ansi\\ansicpg936 \\u21307?\\u38498? \\'d6\\'c6\\'b6\\'c8\\par "
    rows = b"\\trowd a\\cell 1\\cell\\row \\trowd b\\cell 2\\cell\\row \\pard end.\\par}"
    (tmp_path / "a.rtf").write_bytes(body + rows)
    document = ready(parse(tmp_path / "a.rtf"))
    assert document.text.startswith("医院")
    assert "制度" in document.text
    assert of_type(document, BlockType.TABLE)[0].table == [["a", "1"], ["b", "2"]]


def test_a_bar_in_a_cell_of_rich_text_is_no_border(tmp_path: Path, parse: Parse) -> None:
    rows = "".join(f"\\trowd\\cellx1\\cellx2 {one}\\cell {two}\\cell\\row " for one, two in (("A", "B"), ("1", "2|3")))
    (tmp_path / "a.rtf").write_text(f"{{\\rtf1\\ansi {rows}\\pard 4|5\\par }}")
    document = ready(parse(tmp_path / "a.rtf"))
    assert document.blocks[0].table == [["A", "B"], ["1", "2|3"]]
    assert document.blocks[1].text == "4|5"


def test_a_tiff_gives_each_of_its_pages(tmp_path: Path, parse: Parse) -> None:
    pages = [Image.new("L", (1240, 400), 255) for _ in range(2)]
    font = ImageFont.load_default(size=48)
    for number, page in enumerate(pages, start=1):
        ImageDraw.Draw(page).text((60, 150), f"Hand hygiene on page {number}.", font=font, fill=0)
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], dpi=(150, 150))
    document = ready(parse(tmp_path / "a.tif"))
    assert [page.ocr for page in document.pages] == [True, True]
    assert [(block.page, "hygiene" in block.text) for block in document.blocks] == [(1, True), (2, True)]


def cut(name: str, tmp_path: Path, share: float) -> Path:
    data = (DATA / name).read_bytes()
    path = tmp_path / Path(name).name
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("name", [name for name in REAL if name.endswith((".doc", ".ppt", ".msg", ".epub"))])
def test_a_truncated_file_is_corrupt_or_gives_what_is_left_and_never_crashes(
    tmp_path: Path, parse: Parse, name: str, share: float
) -> None:
    outcome = parse(cut(name, tmp_path, share))
    assert outcome.code in {"", "corrupt", "no_text", "unsupported_type"}, outcome


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")
def test_a_word_file_whose_offsets_lie_is_corrupt_within_its_bounds(tmp_path: Path) -> None:
    data = bytearray((DATA / "docs_unstructured/simple.doc").read_bytes())
    start = data.find(struct.pack("<H", 0xA5EC))
    for offset in range(0x9A, 0x1B0, 8):
        struct.pack_into("<II", data, start + offset, 0x7FFFFFF0, 0x7FFFFFFF)
    (tmp_path / "a.doc").write_bytes(data)
    outcome = parse_file(tmp_path / "a.doc")
    assert outcome.code == "corrupt"
    assert outcome.peak_memory_mb < 300


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")
def test_a_table_of_an_old_presentation_is_a_table_with_its_merged_cells(parse: Parse) -> None:
    document = ready(parse(DATA / "docs_docling/ppt/sources/legacy_sample.ppt"))
    (table,) = of_type(document, BlockType.TABLE)
    assert table.table is not None
    assert table.table[0] == ["", "Class1", "Class1", "Class1", "Class2", "Class2", "Class2"]
    assert [row[0] for row in table.table[2:]] == ["R1", "R2", "R3", "R3", "R4", "R4", "R4"]
    assert table.page == 1
    assert not any(block.text == "Class1" for block in document.blocks), "no cell is told twice"


def _record(name: int, body: bytes, *, head: int = 0) -> bytes:
    return struct.pack("<HHI", head, name, len(body)) + body


def _shape(*parts: bytes) -> bytes:
    return _record(0xF004, b"".join(parts), head=0xF)


def _boxes(cells: dict[tuple[int, int, int, int], str]) -> bytes:
    """A group of shapes that says table, with a line between the cells."""
    says = _record(0xF122, struct.pack("<HI", 0x039F, 1), head=1 << 4)
    line = _shape(_record(0xF00F, struct.pack("<4i", 1, 1, 1, 9)))
    boxes = [
        _shape(
            _record(0xF00F, struct.pack("<4i", *edges)),
            _record(0xF00D, _record(0x0FA0, text.encode("utf-16-le")), head=0xF),
        )
        for edges, text in cells.items()
    ]
    return _shape(says) + b"".join(boxes) + line


def test_the_boxes_of_a_table_become_its_grid_whatever_their_order() -> None:
    cells = {(5, 5, 9, 9): "2天", (0, 0, 9, 5): "保存期限", (0, 5, 5, 9): "废物"}
    group = _boxes(cells)
    assert is_table(group, ppt._records)
    block = table_of(group, ppt._records, ppt._words, page=3, locator="slide 3")
    assert block is not None
    assert block.table == [["保存期限", "保存期限"], ["废物", "2天"]]
    assert block.text == "保存期限\n废物\t2天"
    alone = table_of(_boxes({(0, 0, 9, 5): "标题"}), ppt._records, ppt._words, page=1, locator="")
    assert alone is None, "one box is no table"
    assert not is_table(_shape() + _shape(), ppt._records)
