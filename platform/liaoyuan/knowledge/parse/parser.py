"""One file in memory to one document: detect, read, clean, structure."""

import zlib
from dataclasses import replace
from importlib import import_module

from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.detect import detect
from liaoyuan.knowledge.parse.errors import Corrupt, EmptyFile, NoText, ParseTimeout, TooLarge, UnsupportedType
from liaoyuan.knowledge.parse.places import placed
from liaoyuan.knowledge.parse.source import Reader, Source
from liaoyuan.knowledge.parse.structure import structure
from liaoyuan.knowledge.parse.text import clean

# Imported on first use: a child that meets only PDFs never loads the Office libraries.
_READERS = {
    "pdf": ("pdf", "read_pdf"),
    "docx": ("docx", "read_docx"),
    "xlsx": ("xlsx", "read_xlsx"),
    "xls": ("xlsx", "read_xls"),
    "pptx": ("pptx", "read_pptx"),
    "html": ("html_page", "read_html"),
    "markdown": ("markdown", "read_markdown"),
    "text": ("plain_text", "read_text"),
    "csv": ("delimited", "read_csv"),
    "xml": ("xml_page", "read_xml"),
    "eml": ("eml", "read_eml"),
    "png": ("image", "read_image"),
    **dict.fromkeys(("jpeg", "tiff", "webp", "bmp", "gif"), ("image", "read_image")),
    "doc": ("doc", "read_doc"),
    "ppt": ("ppt", "read_ppt"),
    "msg": ("msg", "read_msg"),
    "rtf": ("rtf", "read_rtf"),
    "epub": ("epub", "read_epub"),
    "odt": ("odf", "read_odt"),
    "odp": ("odf", "read_odp"),
    "ods": ("xlsx", "read_xls"),
}
# Flags that mean "there is more in the file than was read".
PARTIAL_FLAGS = frozenset({"page_limit", "time_limit", "cell_limit", "character_limit", "damaged_page"})


def parse(source: Source) -> ParsedDocument:
    """Raises a ParseRejected; MemoryError and pdfium's own crashes are the caller's to survive."""
    if not source.data:
        raise EmptyFile(name=source.name)
    if len(source.data) > source.limits.file_bytes:
        raise TooLarge(
            name=source.name, detail=f"{len(source.data) // 1048576} MB > {source.limits.file_bytes // 1048576} MB"
        )
    source = _opened(source)
    found = detect(source)
    try:
        document = _reader(found.kind)(source)
    except (RecursionError, zlib.error) as error:
        raise Corrupt(name=source.name) from error
    document.media_type = found.media_type
    document.flags |= found.flags
    document.title = _clean_line(document.title, document.flags) or source.stem
    bounded = _bounded(_cleaned(document), source.limits.characters, document.flags)
    document.blocks = [placed(block) for block in structure(bounded, document.title)]
    if not any(character.isalnum() for block in document.blocks for character in block.text):
        if "time_limit" in document.flags:
            raise ParseTimeout(name=source.name, detail=f"{source.limits.seconds:.0f}")
        raise NoText(name=source.name)
    return document


def unlocked(source: Source) -> bytes:
    """The file without its password. Raises PasswordWrong, or what reading an unprotected file of its kind raises."""
    from liaoyuan.knowledge.parse.unlock import unlock

    return unlock(source)


def render(source: Source, page: int, scale: float) -> bytes:
    """A page (from 1) as PNG at ``scale`` pixels per point. Raises UnsupportedType where a format has no pictures."""
    found = detect(source)
    if found.kind == "pdf":
        from liaoyuan.knowledge.parse.pdf import render_pdf_page

        return render_pdf_page(source, page, scale)
    if found.kind in {"png", "jpeg", "tiff", "webp", "bmp", "gif"}:
        from liaoyuan.knowledge.parse.image import render_image

        return render_image(source, page, scale)
    raise UnsupportedType(name=source.name, detail=found.kind)


def _opened(source: Source) -> Source:
    """With a password, an Office file is unlocked first; pdfium takes a PDF's itself."""
    if not source.password or source.data[:4] != b"\xd0\xcf\x11\xe0":
        return source
    return replace(source, data=unlocked(source))


def _reader(kind: str) -> Reader:
    module, function = _READERS[kind]
    reader: Reader = getattr(import_module(f"liaoyuan.knowledge.parse.{module}"), function)
    return reader


def _clean_line(text: str, flags: set[str]) -> str:
    cleaned, hidden = clean(text)
    if hidden:
        flags.add("hidden_text")
    return " ".join(cleaned.split())[:300]


def _cleaned(document: ParsedDocument) -> list[Block]:
    blocks = []
    for block in document.blocks:
        tabular = block.type in {BlockType.TABLE, BlockType.CODE}
        text, hidden = clean(block.text, keep_spaces=tabular)
        table = [[clean(cell)[0] for cell in row] for row in block.table] if block.table is not None else None
        if hidden:
            document.flags.add("hidden_text")
        if text.strip() or (block.type is BlockType.FIGURE and block.box):
            blocks.append(replace(block, text=text, table=table))
    return blocks


def _bounded(blocks: list[Block], characters: int, flags: set[str]) -> list[Block]:
    kept = []
    for block in blocks:
        characters -= len(block.text)
        if characters < 0:
            flags.add("character_limit")
            break
        kept.append(block)
    return kept
