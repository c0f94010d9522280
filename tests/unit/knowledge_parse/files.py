"""Small real files, made by the libraries that enterprises' own programs resemble."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import docx
import openpyxl
import pptx
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

STATUTE = (
    "护理管理条例",
    "第一章 总则",
    "第一条 为了规范护理行为，保障医疗安全，制定本条例。",
    "第二条 本条例适用于各级医疗机构。",
    "医疗机构应当建立护理制度。",
    "第二章 职责",
    "第三条 护士应当尊重患者的隐私。",
)
CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)


def canvas(path: Path, *, encrypt: StandardEncryption | None = None) -> Canvas:
    """A PDF page on which 宋体 may be drawn."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    page = Canvas(str(path), pagesize=A4, encrypt=encrypt)
    page.setFont("STSong-Light", 11)
    return page


def protected_pdf(path: Path, password: str) -> Path:
    """One line that only the password shows."""
    page = canvas(path, encrypt=StandardEncryption(password, canPrint=0))
    write_lines(page, ["Only for those who know the word."])
    page.save()
    return path


def write_lines(
    page: Canvas, lines: list[str], *, x: float = 60, top: float = 780, size: float = 11, step: float = 18
) -> None:
    """Lines downwards from ``top`` (PDF points from the bottom)."""
    page.setFont("STSong-Light", size)
    for number, line in enumerate(lines):
        page.drawString(x, top - number * step, line)


def statute_docx(path: Path) -> Path:
    """Headings, articles, a list and a table with merged cells."""
    document = docx.Document()
    document.add_paragraph(STATUTE[0], style="Title")
    for line in STATUTE[1:]:
        document.add_paragraph(line)
    document.add_heading("附表", level=1)
    table = document.add_table(rows=3, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "科室", "人数"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "内科"
    table.cell(1, 1).text, table.cell(2, 1).text = "12", "15"
    document.save(str(path))
    return path


def ledger_xlsx(path: Path) -> Path:
    """A title over a header row, a merged column, a formula without a cached value, and a second sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "台账"
    sheet.append(["设备台账"])
    sheet.append(["站名", "设备", "容量"])
    sheet.append(["东站", "一号主变", 50])
    sheet.append([None, "二号主变", 31.5])
    sheet.merge_cells("A1:C1")
    sheet.merge_cells("A3:A4")
    book.create_sheet("说明").append(["单位为兆伏安"])
    book.save(path)
    return path


def deck_pptx(path: Path) -> Path:
    """Two slides: a title page; bullets, a table and notes."""
    deck = pptx.Presentation()
    cover = deck.slides.add_slide(deck.slide_layouts[0])
    cover.shapes.title.text = "安全培训"
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "工作票"
    slide.placeholders[1].text = "先验电\n后接地"
    table = slide.shapes.add_table(2, 2, 914400, 3657600, 4572000, 914400).table
    for row, cells in enumerate((("项目", "次数"), ("验电", "2"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    slide.notes_slide.notes_text_frame.text = "讲解时演示一次"
    deck.save(str(path))
    return path


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims ``width`` × ``height`` pixels and holds none."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def zipped(members: Mapping[str, bytes | str], *, links: tuple[str, ...] = (), compression: int = 8) -> bytes:
    """An archive of the given members, deflated unless told otherwise; ``links`` are symbolic links to a secret."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
        for name in links:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, "/etc/passwd")
    return stream.getvalue()


def office_zip(members: Mapping[str, bytes | str], *, content_types: bool = True) -> bytes:
    """A package of the given members, deflated."""
    head = {"[Content_Types].xml": CONTENT_TYPES} if content_types else {}
    return zipped({**head, **members})


def with_member(package: Path, name: str, body: bytes | str) -> Path:
    """The same package with one member replaced or added."""
    with zipfile.ZipFile(package) as archive:
        members: dict[str, bytes | str] = {entry: archive.read(entry) for entry in archive.namelist()}
    members[name] = body
    package.write_bytes(office_zip(members, content_types=False))
    return package


def many_pages_pdf(path: Path, pages: int) -> Path:
    """A PDF whose page tree names the same page object ``pages`` times, as a few hundred bytes a page would."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (pages, b" ".join(b"%d 0 R" % (number + 5) for number in range(pages))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    text = b"BT /F1 12 Tf 72 700 Td (Inspection record of one page) Tj ET"
    objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text))
    resources = b"<< /Font << /F1 3 0 R >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>" % resources
    objects.extend([page] * pages)
    return write_pdf(path, objects)


def write_pdf(path: Path, objects: list[bytes]) -> Path:
    """A PDF of these objects, numbered from 1, the first its catalogue."""
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    path.write_bytes(out)
    return path
