"""What sample files are read and cut to, beside the rules' numbers: ``python -m tests.unit.knowledge_parse.rules``.

It writes ``rules.json`` after a number in ``knowledge/rules.py`` was raised. The samples are the packs' documents that
need no recognition of pictures, and a few that are made here. Boxes stay out: they may differ by a hair between builds
of the PDF library.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import SimpleDocTemplate, Table, TableStyle

from tests.unit.knowledge_parse.files import (
    canvas,
    deck_pptx,
    ledger_xlsx,
    office_zip,
    statute_docx,
    write_lines,
)

KEPT = Path(__file__).with_name("rules.json")
PACKS = Path(__file__).resolve().parents[3] / "industries"
ROWS = [
    ["项目", "单位", "下限", "上限"],
    ["血钾", "mmol/L", "2.8", "6.2"],
    ["血糖", "mmol/L", "2.5", "22.2"],
    ["血小板", "10^9/L", "30", "1000"],
    ["血红蛋白", "g/L", "50", "200"],
]
RULED = [("GRID", (0, 0), (-1, -1), 0.5, "black")]
SIDELESS = [("LINEBELOW", (0, 0), (-1, -1), 0.5, "black"), ("LINEABOVE", (0, 0), (-1, 0), 0.5, "black"),
            ("INNERGRID", (0, 0), (-1, -1), 0.5, "black")]  # fmt: skip
OPEN = [("LINEBELOW", (0, 0), (-1, 0), 0.8, "black"), ("LINEBELOW", (0, -1), (-1, -1), 0.8, "black")]
PAGE = (
    "<html><head><title>巡视</title><style>@media print {.b {display: none}} .c {display: none}</style></head><body>"
    "<h2>变压器巡视</h2><ul><li>油位</li><li>声音</li></ul><div class='b'>油温不高于 85 ℃。</div>"
    "<p class='c'>看不见</p>"
    "<table><tr><th>项目</th><th>周期</th></tr><tr><td rowspan=2>外观</td><td>每日</td></tr><tr><td>每周"
    "<table><tr><td>一</td><td>五</td></tr></table></td></tr></table></body></html>"
)
MAIL = "\r\n".join(
    (
        "From: =?gb2312?B?1rWw4MrS?= <a@example.com>",
        "To: b@example.com",
        "Subject: =?utf-8?B?5YGc55S16YCa55+l?=",
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n',
        "--x\r\nContent-Type: text/plain; charset=utf-8\r\n",
        "今晚八点停电。\r\n\r\n1. 拉开断路器\r\n2. 验电",
        '--x\r\nContent-Type: text/csv; charset=utf-8\r\nContent-Disposition: attachment; filename="a.csv"\r\n',
        "项目,限值\r\n电阻,50\r\n--x--\r\n",
    )
)
TREE = (
    '<?xml version="1.0"?><article><title>导则</title>'
    "<sec><label>1</label><title>范围</title><p>适用于<i>断路器</i>。</p></sec>"
    "<list><item><p>分闸</p></item></list><device><name>甲</name><kv>110</kv></device><device><name>乙</name><kv>35</kv>"
    "</device></article>"
)
RICH = (
    b"{\\rtf1\\ansi\\ansicpg936 \\'d6\\'b5\\'b0\\'e0\\par \\trowd\\cellx1\\cellx2 A\\cell 1\\cell\\row "
    b"\\trowd\\cellx1\\cellx2 B\\cell 2\\cell\\row\\pard end\\par}"
)
NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
PLACES = (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"))
DECLARED = " ".join(f'xmlns:{name}="{NAMES}{place}:1.0"' for name, place in PLACES)
ROOT = f"<office:document-content {DECLARED}>"
CELL = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
CELLS = "".join(f"<table:table-row>{''.join(map(CELL.format, row))}</table:table-row>" for row in ROWS[:3])
OPEN_DOCUMENTS = {
    "odt": (
        "text",
        (
            "<office:text><text:h text:outline-level='1'>值班</text:h><text:p>夜班两人。</text:p>"
            f"<table:table>{CELLS}</table:table></office:text>"
        ),
    ),
    "odp": (
        "presentation",
        "<office:presentation><draw:page><text:p>培训</text:p><text:p>要点</text:p></draw:page></office:presentation>",
    ),
    "ods": (
        "spreadsheet",
        f'<office:spreadsheet><table:table table:name="一">{CELLS}</table:table></office:spreadsheet>',
    ),
}
CONTAINER = '<container><rootfiles><rootfile full-path="p.opf"/></rootfiles></container>'
PACKAGE = (
    '<package><metadata><title>手册</title></metadata><manifest><item id="a" href="a.xhtml" '
    'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>'
)
SPANNED = [*RULED, ("SPAN", (0, 1), (0, 2))]


def kept() -> dict[str, dict[str, Any]]:
    """{kind or ``cutting``: {rules, digest}}"""
    found: dict[str, dict[str, Any]] = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def today() -> dict[str, dict[str, Any]]:
    """The same, as the code gives it now."""
    from liaoyuan.knowledge.rules import CUTTING, READING

    read: dict[str, list[Any]] = {}
    for name, kind, document in _documents():
        read.setdefault(kind, []).append([name, document.title, sorted(document.flags), _blocks(document)])
    found = {kind: {"rules": READING[kind], "digest": _digest(parts)} for kind, parts in sorted(read.items())}
    return found | {"cutting": {"rules": CUTTING, "digest": _digest(_chunks())}}


def _documents() -> Iterator[tuple[str, str, Any]]:
    from liaoyuan.knowledge.parse.detect import detect
    from liaoyuan.knowledge.parse.parser import parse
    from liaoyuan.knowledge.parse.source import Source

    with tempfile.TemporaryDirectory() as folder:
        files = [path for path in sorted(PACKS.glob("*/documents/*")) if "扫描" not in path.name]
        for path in [*files, *_made(Path(folder))]:
            source = Source(path.read_bytes(), path.name)
            yield path.name, detect(source).kind, parse(source)


def _made(folder: Path) -> Iterator[Path]:
    yield statute_docx(folder / "条例.docx")
    yield ledger_xlsx(folder / "台账.xlsx")
    yield deck_pptx(folder / "培训.pptx")
    yield from _of_text(folder)
    yield from _zipped(folder)
    yield from _pictures(folder)
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    for name, lines in (("ruled", RULED), ("sideless", SIDELESS), ("open", OPEN), ("spanned", SPANNED)):
        font = ("FONT", (0, 0), (-1, -1), "STSong-Light", 10)
        table = Table(ROWS, colWidths=[90, 90, 70, 70])
        table.setStyle(TableStyle([font, *lines]))
        SimpleDocTemplate(str(folder / f"{name}.pdf"), pagesize=A4).build([table])
        yield folder / f"{name}.pdf"
    page = canvas(folder / "columns.pdf")
    for x in (60, 320):
        write_lines(page, [f"第{number}行，这一栏的文字足够长，可以占满栏宽。" for number in range(30)], x=x, size=9)
    page.save()
    yield folder / "columns.pdf"


def _of_text(folder: Path) -> Iterator[Path]:
    broken = "\n".join("这是一段按固定宽度换行的文字，行与行之间没有空行，应当接成一段" for _ in range(6))
    made: dict[str, bytes] = {
        "页.html": PAGE.encode("gb18030"),
        "信.eml": MAIL.encode(),
        "单列.csv": "项目\n巡视\n检修, 试验\n消缺\n".encode("gbk"),
        "宽.txt": f"第一章 总则\n{broken}\n- 甲\n- 乙\n".encode("utf-16"),
        "注.md": f"# 注\n\n- 甲\n  1. 乙\n\n|a|b|\n|-|-|\n|1|2|\n\n{PAGE[PAGE.index('<table>') :]}\n".encode(),
        "树.xml": TREE.encode(),
        "表.rtf": RICH,
    }
    for name, body in made.items():
        (folder / name).write_bytes(body)
        yield folder / name


def _zipped(folder: Path) -> Iterator[Path]:
    for extension, (kind, body) in OPEN_DOCUMENTS.items():
        content = f"{ROOT}<office:body>{body}</office:body></office:document-content>"
        manifest = f'<m:manifest xmlns:m="{NAMES}manifest:1.0"/>'
        media = f"application/vnd.oasis.opendocument.{kind}"
        members = {"mimetype": media, "content.xml": content, "META-INF/manifest.xml": manifest}
        (folder / f"a.{extension}").write_bytes(office_zip(members, content_types=False))
        yield folder / f"a.{extension}"
    book = {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER, "p.opf": PACKAGE, "a.xhtml": PAGE}
    (folder / "a.epub").write_bytes(office_zip(book, content_types=False))
    yield folder / "a.epub"


def _pictures(folder: Path) -> Iterator[Path]:
    picture = Image.new("RGB", (420, 90), "white")
    ImageDraw.Draw(picture).text((20, 20), "BREAKER 110", fill="black", font=ImageFont.load_default(44))
    for extension in ("png", "tiff", "jpg", "webp", "bmp", "gif"):
        picture.save(folder / f"a.{extension}")
        yield folder / f"a.{extension}"


def _blocks(document: Any) -> list[Any]:
    return [
        [block.type.value, block.text, block.page, block.level, block.locator, block.heading_path, block.table]
        for block in document.blocks
    ]


def _chunks() -> list[Any]:
    """Of blocks that no reader made: a better reading must not ask for a new number of the cutting."""
    from liaoyuan.knowledge.chunking import chunk_document
    from liaoyuan.knowledge.parse.blocks import Block, BlockType

    found = []
    for path in sorted(PACKS.glob("*/documents/*.md")):
        blocks, heads = [], []
        for line in filter(None, path.read_text(encoding="utf-8").splitlines()):
            level, text = len(line) - len(line.lstrip("#")), line.lstrip("# ")
            heads = [*heads[: level - 1], text] if level else heads
            kind = BlockType.HEADING if level else BlockType.PARAGRAPH
            blocks.append(
                Block(kind, text, level=level or None, heading_path=tuple(heads[: level - 1 if level else 9]))
            )
        text = "\n".join("\t".join(row) for row in ROWS * 6)
        blocks.append(Block(BlockType.TABLE, text, heading_path=tuple(heads), table=ROWS[:1] + ROWS * 6))
        # One token a character cuts often; which model counts is no matter of the rules.
        drafts = chunk_document(path.stem, blocks, len, target=120, limit=300)
        found.append([[draft.kind, draft.text, draft.heading_path, draft.locator] for draft in drafts])
    return found


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]


def main() -> None:
    sys.path.append(str(Path(__file__).resolve().parents[3] / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaoyuan.config.settings")
    import django

    django.setup()
    before, now = kept() if KEPT.exists() else {}, today()
    for name, each in now.items():
        old = before.get(name, each)
        if each["digest"] != old["digest"] and each["rules"] <= old["rules"]:
            sys.exit(f"{name}: something else is read or cut than before; raise its number in knowledge/rules.py")
    KEPT.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
