"""Unseen documents that are no pages: Office files, web pages, messages, books and plain text in old encodings."""

import csv
import io
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pptx.util import Inches, Pt

from benchmarks.parse_unseen_print import h, li, markup, p
from benchmarks.parse_unseen_truth import Case, Cell, Item, Words, table

_NUMBERING = (
    "<w:abstractNum {ns} w:abstractNumId='90'><w:multiLevelType w:val='multilevel'/>"
    "<w:lvl w:ilvl='0'><w:start w:val='1'/>"
    "<w:numFmt w:val='chineseCountingThousand'/><w:lvlText w:val='第%1章'/></w:lvl>"
    "<w:lvl w:ilvl='1'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%2.'/></w:lvl>"
    "</w:abstractNum>"
)
_ARTICLES = (
    "<w:abstractNum {ns} w:abstractNumId='91'><w:multiLevelType w:val='singleLevel'/>"
    "<w:lvl w:ilvl='0'><w:start w:val='1'/>"
    "<w:numFmt w:val='chineseCountingThousand'/><w:lvlText w:val='第%1条'/></w:lvl>"
    "</w:abstractNum>"
)


def _number(document: Any, paragraph: Any, number: int, level: int) -> None:
    properties = paragraph._p.get_or_add_pPr()
    properties.append(
        parse_xml(f"<w:numPr {nsdecls('w')}><w:ilvl w:val='{level}'/><w:numId w:val='{number}'/></w:numPr>")
    )


def _numberings(document: Any) -> None:
    part = document.part.numbering_part.element
    for shape in (_ARTICLES, _NUMBERING):
        part.insert(0, parse_xml(shape.format(ns=nsdecls("w"))))
    for number, shape in ((80, 90), (81, 91)):
        part.append(parse_xml(f"<w:num {nsdecls('w')} w:numId='{number}'><w:abstractNumId w:val='{shape}'/></w:num>"))


def docx_numbered(folder: Path) -> Case:
    """Chapters, articles and items whose numbers Word counts: they stand in no run of text."""
    words, document, items = Words(31), docx.Document(), [h(1, "设备管理办法")]
    _numberings(document)
    document.add_paragraph("设备管理办法", style="Title")
    article = 0
    for chapter, title in enumerate(("总则", "职责", "附则"), 1):
        _number(document, document.add_paragraph(title, style="Heading 1"), 80, 0)
        items.append(h(2, f"第{'一二三'[chapter - 1]}章 {title}"))
        for _ in range(2):
            article += 1
            text = words.chinese(2)
            _number(document, document.add_paragraph(text), 81, 0)
            items.append(p(f"第{'一二三四五六'[article - 1]}条 {text}"))
    path = folder / "numbered.docx"
    document.save(str(path))
    return Case("docx_numbered", "docx", items, path)


def docx_changes(folder: Path) -> Case:
    """Insertions and deletions, a text box, a break within a paragraph, a footnote."""
    words, document = Words(32), docx.Document()
    first, boxed, note = words.chinese(2), words.chinese(1), words.chinese(1)
    document.add_heading("修订说明", level=1)
    paragraph = document.add_paragraph(first)
    ns = nsdecls("w")
    author = "w:id='1' w:author='a' w:date='2024-01-01T00:00:00Z'"
    paragraph._p.append(parse_xml(f"<w:ins {ns} {author}><w:r><w:t>新增一句。</w:t></w:r></w:ins>"))
    paragraph._p.append(parse_xml(f"<w:del {ns} {author}><w:r><w:delText>删去一句。</w:delText></w:r></w:del>"))
    holder = document.add_paragraph("见右侧文本框。")
    holder._p.append(
        parse_xml(
            f"<w:r {ns}><w:pict><v:shape xmlns:v='urn:schemas-microsoft-com:vml'><v:textbox><w:txbxContent><w:p><w:r>"
            f"<w:t>{boxed}</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
        )
    )
    noted = document.add_paragraph("本条另有说明")
    noted._p.append(parse_xml(f"<w:r {ns}><w:footnoteReference w:id='2'/></w:r>"))
    noted.add_run("，以说明为准。")
    last = words.chinese(1)
    document.add_paragraph(last)
    plain = folder / "plain.docx"
    document.save(str(plain))
    path = folder / "changes.docx"
    _with_footnote(plain, path, note)
    items = [h(2, "修订说明"), p(first + "新增一句。"), p("见右侧文本框。"), p(boxed), p("本条另有说明，以说明为准。")]
    return Case("docx_changes", "docx", [*items, p(note), p(last)], path)


def _with_footnote(source: Path, target: Path, note: str) -> None:
    """python-docx writes no footnotes: the part, its type and its relation are added to the package."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    body = (
        f"<w:footnotes {nsdecls('w')}><w:footnote w:id='0' w:type='separator'><w:p/></w:footnote><w:footnote w:id='2'>"
        f"<w:p><w:r><w:footnoteRef/></w:r><w:r><w:t>{note}</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name).decode("utf-8", "surrogateescape")
            if name == "[Content_Types].xml":
                data = data.replace(
                    "</Types>", f"<Override PartName='/word/footnotes.xml' ContentType='{kind}'/></Types>"
                )
            if name == "word/_rels/document.xml.rels":
                link = f"<Relationship Id='rId900' Type='{relation}' Target='footnotes.xml'/>"
                data = data.replace("</Relationships>", f"{link}</Relationships>")
            new.writestr(name, data.encode("utf-8", "surrogateescape"))
        new.writestr("word/footnotes.xml", body)


def docx_tables(folder: Path) -> Case:
    """Cells merged both ways, a table in a cell, lists below."""
    words, document = Words(33), docx.Document()
    document.add_heading("人员与设备", level=1)
    grown = document.add_table(rows=4, cols=4)
    rows: list[list[str | Cell]] = [
        [Cell("部门", down=2), Cell("人数", across=2), Cell("备注", down=2)],
        ["男", "女"],
        ["运行部", "12", "5", Cell("含借调人员", down=2)],
        ["检修部", "30", "4"],
    ]
    for (one, two), text in {
        ((0, 0), (1, 0)): "部门",
        ((0, 1), (0, 2)): "人数",
        ((0, 3), (1, 3)): "备注",
        ((2, 3), (3, 3)): "含借调人员",
    }.items():
        grown.cell(*one).merge(grown.cell(*two)).text = text
    for place, text in {(1, 1): "男", (1, 2): "女", (2, 0): "运行部", (2, 1): "12", (2, 2): "5"}.items():
        grown.cell(*place).text = text
    for column, text in enumerate(("检修部", "30", "4")):
        grown.cell(3, column).text = text
    bullets = [words.chinese(1) for _ in range(3)]
    for text in bullets:
        document.add_paragraph(text, style="List Bullet")
    path = folder / "tables.docx"
    document.save(str(path))
    return Case("docx_tables", "docx", [h(2, "人员与设备"), table(*rows, head=2), *map(li, bullets)], path)


def xlsx_several(folder: Path) -> Case:
    """Two tables below each other with titles, one beside, dates, shares, a second sheet."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "一季度"
    one = table(["科室", "门诊量", "占比"], ["内科", "1520", "0.35"], ["外科", "980", "0.25"], ["儿科", "1740", "0.4"])
    two = table(["月份", "电量"], ["1月", "88.5"], ["2月", "79.25"])
    three = table(["编号", "名称", "日期"], ["A1", "主变", "2024-03-05"], ["A2", "断路器", "2024-04-01"])
    for item, top, left in ((one, 2, 1), (two, 9, 1)):
        for row, cells in enumerate(item.rows):
            for column, cell in enumerate(cells):
                value: Any = cell.text
                if row and column:
                    value = float(cell.text) if "." in cell.text else int(cell.text)
                sheet.cell(top + row, left + column, value)
    sheet["A1"], sheet["A8"] = "门诊统计表", "用电统计表"
    other = book.create_sheet("台账")
    for cells in three.rows:
        other.append([cell.text for cell in cells])
    path = folder / "several.xlsx"
    book.save(path)
    items = [h(2, "一季度"), p("门诊统计表"), one, p("用电统计表"), two, h(2, "台账"), three]
    return Case("xlsx_several", "xlsx", items, path)


def pptx_grouped(folder: Path) -> Case:
    """Shapes in groups, two columns of words, a table with merged cells."""
    words, deck = Words(34), pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "安全培训要点"
    texts = [words.chinese(1) for _ in range(4)]
    group = slide.shapes.add_group_shape()
    for text, (left, top) in zip(texts, ((0.5, 2), (5, 2), (0.5, 3), (5, 3)), strict=True):
        box = group.shapes.add_textbox(Inches(left), Inches(top), Inches(4), Inches(0.8))
        box.text_frame.text = text
        box.text_frame.paragraphs[0].runs[0].font.size = Pt(14)
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "培训安排"
    grown = second.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    grown.cell(0, 1).merge(grown.cell(0, 2))
    grown.cell(1, 0).merge(grown.cell(2, 0))
    rows: list[list[str | Cell]] = [
        ["班组", Cell("课时", across=2)],
        [Cell("运行班", down=2), "理论", "12"],
        ["实操", "20"],
    ]
    for place, text in {(0, 0): "班组", (0, 1): "课时", (1, 0): "运行班", (1, 1): "理论", (1, 2): "12"}.items():
        grown.cell(*place).text = text
    grown.cell(2, 1).text, grown.cell(2, 2).text = "实操", "20"
    path = folder / "grouped.pptx"
    deck.save(str(path))
    items = [h(1, "安全培训要点"), *map(p, texts), h(3, "培训安排"), table(*rows)]
    return Case("pptx_grouped", "pptx", items, path, paged=True)


def _web() -> list[Item]:
    words = Words(35)
    rows: list[list[str | Cell]] = [
        [Cell("地区", down=2), Cell("用电量", across=2)],
        ["2022年", "2023年"],
        ["华东", words.figure(), words.figure()],
        ["华北", words.figure(), words.figure()],
    ]
    items = [
        h(1, "年度用电报告"),
        p(words.chinese(3)),
        h(2, "一、分地区数据"),
        table(*rows, head=2),
        p(words.english(3)),
    ]
    return [*items, h(2, "二、说明"), li(words.chinese(1)), li(words.english(1))]


def html_merged(folder: Path) -> Case:
    """A page in GB18030 with navigation, a table with merged cells, lists."""
    items, path = _web(), folder / "merged.html"
    body = "".join(map(markup, items))
    around = f"<nav><a>首页</a></nav>{body}<footer>版权所有</footer><script>var x='不可见';</script>"
    path.write_bytes(
        f"<html><head><meta charset=gb2312><title>报告</title></head><body>{around}</body></html>".encode("gb18030")
    )
    return Case("html_merged", "html", items, path)


def _mail(folder: Path, name: str, charset: str, encoding: str) -> Case:
    words = Words(36)
    body = [words.chinese(2), words.chinese(2), words.english(2)]
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "关于春检安排的通知", "a@example.com", "b@example.com"
    message.set_content("\n\n".join(body) + "\n", charset=charset, cte=encoding)
    page = "".join(f"<p>{text}</p>" for text in body)
    message.add_alternative(page, subtype="html", charset=charset, cte=encoding)
    message.add_attachment("编号,名称\n1,主变\n".encode("gb18030"), maintype="text", subtype="csv", filename="台账.csv")
    path = folder / f"{name}.eml"
    path.write_bytes(message.as_bytes())
    head = p("From: a@example.com\nTo: b@example.com")
    items = [h(1, "关于春检安排的通知"), head, *map(p, body), table(["编号", "名称"], ["1", "主变"])]
    return Case(name, "eml", [*items[:-1], h(2, "附件 / attachment: 台账.csv (text/csv, 17 bytes)"), items[-1]], path)


def eml_gb2312(folder: Path) -> Case:
    """A message in GB2312, base64, with an HTML twin and a table attached."""
    return _mail(folder, "eml_gb2312", "gb2312", "base64")


def eml_quoted(folder: Path) -> Case:
    """A message in UTF-8, quoted-printable."""
    return _mail(folder, "eml_quoted", "utf-8", "quoted-printable")


def epub_book(folder: Path) -> Case:
    """Two chapters, the second before the first in the package's list, in the order of the spine."""
    items = _web()
    path = folder / "book.epub"
    names = {"b.xhtml": items[:4], "a.xhtml": items[4:]}
    listed = "".join(
        f"<item id='{name[0]}' href='{name}' media-type='application/xhtml+xml'/>" for name in sorted(names)
    )
    package = (
        "<package xmlns='http://www.idpf.org/2007/opf' version='3.0'><metadata/>"
        f"<manifest>{listed}</manifest><spine><itemref idref='b'/><itemref idref='a'/></spine></package>"
    )
    container = (
        "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>"
        "<rootfile full-path='c.opf' media-type='application/oebps-package+xml'/></rootfiles></container>"
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", container)
        book.writestr("c.opf", package)
        for name, chapter in names.items():
            body = "".join(map(markup, chapter))
            book.writestr(name, f"<html xmlns='http://www.w3.org/1999/xhtml'><body>{body}</body></html>")
    return Case("epub_book", "epub", items, path)


def csv_old(folder: Path) -> Case:
    """GB18030 with semicolons, decimal commas and quoted line ends."""
    words, stream = Words(37), io.StringIO(newline="")
    rows = [["站名", "负荷", "备注"], *([f"{name}站", f"{words.number()},5", f"第一行；{name}"] for name in "甲乙丙丁")]
    csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
    path = folder / "old.csv"
    path.write_bytes(stream.getvalue().encode("gb18030"))
    return Case("csv_old", "csv", [table(*rows)], path)


def txt_big5(folder: Path) -> Case:
    """Traditional Chinese in Big5, wrapped at a width."""
    text = (
        "本院為維護病人安全，規定護理人員於給藥前應核對姓名、床號與藥品名稱，"
        "並於給藥後三十分鐘內完成記錄；未依規定辦理者，由護理部通報改善。"
    )
    lines = [text[at : at + 30] for at in range(0, len(text), 30)]
    path = folder / "big5.txt"
    path.write_bytes(
        ("給藥安全作業規範\r\n\r\n" + "\r\n".join(lines) + "\r\n\r\n" + "\r\n".join(lines) + "\r\n").encode("big5")
    )
    return Case("txt_big5", "text", [p("給藥安全作業規範"), p(text), p(text)], path)


def markdown_mixed(folder: Path) -> Case:
    """Markdown with a table and nested lists."""
    items = _web()
    path = folder / "mixed.md"
    lines = []
    for item in items:
        if item.kind == "h":
            lines.append(f"{'#' * item.depth} {item.text}\n")
        elif item.kind == "li":
            lines.append(f"- {item.text}\n")
        elif item.kind == "p":
            lines.append(f"{item.text}\n")
    lines.append("\n| Name | Value |\n| --- | --- |\n| a \\| b | 1 |\n| `c` | 2 |\n")
    path.write_text("\n".join(lines), encoding="utf-8")
    shown = [item for item in items if item.kind != "table"]
    simple = table(["Name", "Value"], ["a | b", "1"], ["c", "2"])
    return Case("markdown_mixed", "text", [*shown, simple], path)


OFFICE: tuple[Callable[[Path], Case], ...] = (
    *(docx_numbered, docx_changes, docx_tables, xlsx_several, pptx_grouped, html_merged),
    *(eml_gb2312, eml_quoted, epub_book, csv_old, txt_big5, markdown_mixed),
)
