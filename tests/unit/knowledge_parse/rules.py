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

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import SimpleDocTemplate, Table, TableStyle

from tests.unit.knowledge_parse.files import canvas, deck_pptx, ledger_xlsx, statute_docx, write_lines

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
