"""PDF: the text layer where it is sound, recognition where it is missing or broken, page by page."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy
import pypdfium2
import pypdfium2.raw as pdfium

from liaoyuan.knowledge.parse.blocks import Block, BlockType, Box, PageInfo, ParsedDocument
from liaoyuan.knowledge.parse.columns import Columns
from liaoyuan.knowledge.parse.errors import Corrupt, ImageTooLarge, NoSuchPage, PasswordNeeded, PasswordWrong
from liaoyuan.knowledge.parse.figures import figures, with_figures
from liaoyuan.knowledge.parse.furniture import remove_furniture, remove_marks
from liaoyuan.knowledge.parse.layout import page_blocks, typography
from liaoyuan.knowledge.parse.limits import Ocr
from liaoyuan.knowledge.parse.ocr import LONGEST_SIDE
from liaoyuan.knowledge.parse.open_tables import lined_tables
from liaoyuan.knowledge.parse.pdf_layer import COMPARED_SHARE, differs, pages_compared, pages_next, without_ink
from liaoyuan.knowledge.parse.pdf_runs import Drawn, Frame, PageText, mark_bullets, page_drawn, page_text
from liaoyuan.knowledge.parse.runs import Run, union
from liaoyuan.knowledge.parse.scan import Scan, Turn, read_scan
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.tables import ruled_tables
from liaoyuan.knowledge.parse.text import clean
from liaoyuan.knowledge.parse.upright import Side, laid_on_side

# 158 dpi: small print is still read, and an A4 page stays below the engine's longest side.
_OCR_SCALE = 2.2
_FEW_CHARACTERS = 40
_BROKEN_SHARE = 0.2


@dataclass(slots=True)
class _Reading:
    """What the pages gave so far."""

    pages: list[PageInfo] = field(default_factory=list)
    runs: list[list[Run]] = field(default_factory=list)
    turned: list[list[Run]] = field(default_factory=list)
    pictures: list[Sequence[Box]] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    # By number of the page: how it was set straight, and the invisible layer of one.
    turns: dict[int, Turn | Side] = field(default_factory=dict)
    layers: dict[int, list[Run]] = field(default_factory=dict)


def read_pdf(source: Source) -> ParsedDocument:
    """Raises PasswordNeeded, PasswordWrong or Corrupt; beyond the page or time limit the rest is left out, and told."""
    with _opened(source) as document:
        count = len(document)
        reading = _Reading()
        if count > source.limits.pages:
            reading.flags.add("page_limit")
        for index in range(min(count, source.limits.pages)):
            if source.late():
                reading.flags.add("time_limit")
                break
            _read_page(source, document, index, reading)
        _compare_layers(source, document, reading)
        title = _metadata_title(document)
    return _assemble(source, reading, title)


def _opened(source: Source) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(source.data, password=source.password)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise (PasswordWrong if source.password else PasswordNeeded)(name=source.name) from error
        raise Corrupt(name=source.name) from error
    if len(document) == 0:
        raise Corrupt(name=source.name)
    return document


def _read_page(source: Source, document: pypdfium2.PdfDocument, index: int, reading: _Reading) -> None:
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        reading.flags.add("damaged_page")
        _append(reading, PageInfo(0.0, 0.0), [], [])
        return
    try:
        frame = Frame(page)
        drawn = page_drawn(page, frame)
        text = page_text(page, frame, drawn.ground)
        _drop_inkless(page, text)
        if text.hidden:
            reading.flags.add("hidden_text")
        if text.layer and source.limits.ocr == "auto":
            reading.layers[index] = [run for run in text.upright if run.unsure]
        if _wants_ocr(source.limits.ocr, text, drawn):
            scan = _recognised(source, page, frame)
            reading.flags.add("ocr")
            if scan.runs:
                reading.turns[index] = scan.turn
            _append(reading, PageInfo(frame.width, frame.height, ocr=True), scan.runs or text.upright, [])
        else:
            info, pictures = PageInfo(frame.width, frame.height), figures(drawn.pictures, frame)
            mark_bullets(text.upright, drawn.dots)
            laid = laid_on_side(text.upright, text.turned, frame.width)
            if laid is not None:
                reading.turns[index] = Side(frame.width)
                _append(reading, info, laid[0], laid[1], pictures)
                return
            runs = lined_tables(ruled_tables(text.upright, drawn.rules), drawn.rules)
            _append(reading, info, runs, text.turned, pictures)
    finally:
        page.close()


def _drop_inkless(page: pypdfium2.PdfPage, text: PageText) -> None:
    gone = {id(run) for run in without_ink(page, [run for run in text.upright + text.turned if run.unsure])}
    if gone:
        text.upright[:] = [run for run in text.upright if id(run) not in gone]
        text.turned[:] = [run for run in text.turned if id(run) not in gone]
        text.hidden = True


def _compare_layers(source: Source, document: pypdfium2.PdfDocument, reading: _Reading) -> None:
    """Recognise some of the pages with an invisible layer, and more while there is time; once one is caught, all."""
    waiting = [index for index in reading.layers if not reading.pages[index].ocr]
    first = pages_compared(waiting, source.data)
    caught = False
    for index in first:
        caught = _layer_compared(source, document, index, reading) or caught
    until = time.monotonic() + source.limits.seconds * COMPARED_SHARE
    for index in pages_next(waiting, first, source.data):
        if source.late() or not (caught or time.monotonic() < until):
            break
        caught = _layer_compared(source, document, index, reading) or caught


def _layer_compared(source: Source, document: pypdfium2.PdfDocument, index: int, reading: _Reading) -> bool:
    """Whether the layer of this page says what its picture does not show; then the picture's words take its place."""
    if source.late():
        return False
    page = document[index]
    try:
        scan = _recognised(source, page, Frame(page))
    finally:
        page.close()
    if not differs(reading.layers[index], scan.words):
        return False
    reading.turns[index] = scan.turn
    reading.flags |= {"hidden_text", "layer_differs", "ocr"}
    reading.runs[index], reading.turned[index], reading.pictures[index] = scan.runs, [], []
    reading.pages[index] = replace(reading.pages[index], ocr=True)
    return True


def _append(
    reading: _Reading, info: PageInfo, runs: list[Run], turned: list[Run], pictures: Sequence[Box] = ()
) -> None:
    reading.pages.append(info)
    reading.pictures.append(pictures)
    reading.runs.append(runs)
    reading.turned.append(turned)


def _wants_ocr(rule: Ocr, text: PageText, drawn: Drawn) -> bool:
    return rule == "always" or (rule == "auto" and _needs_ocr(text, drawn.ground.covered, drawn.paths))


def _needs_ocr(text: PageText, covered: float, paths: int) -> bool:
    sound = text.characters - text.unmapped
    if text.characters and text.unmapped > _BROKEN_SHARE * text.characters:
        return True
    if sound < _FEW_CHARACTERS and covered > 0.3:
        return True
    # Text drawn as outlines: no characters at all but a great many paths.
    return sound == 0 and (covered > 0.05 or paths > 100)


def _recognised(source: Source, page: pypdfium2.PdfPage, frame: Frame) -> Scan:
    longest = max(frame.width, frame.height, 1.0)
    scale = min(_OCR_SCALE, LONGEST_SIDE / longest)
    if frame.width * frame.height * scale * scale > source.limits.pixels or min(frame.width, frame.height) * scale < 4:
        return Scan([], Turn(0, 0.0, frame.width, frame.height), [])
    bitmap = page.render(scale=scale, rev_byteorder=False)
    pixels = numpy.ascontiguousarray(bitmap.to_numpy()[:, :, :3])
    return read_scan(pixels, scale=scale, threads=source.limits.ocr_threads)


def _metadata_title(document: pypdfium2.PdfDocument) -> str:
    title, _ = clean(document.get_metadata_dict().get("Title", ""))
    return title if 2 <= len(title) <= 200 and "\n" not in title else ""


def _assemble(source: Source, reading: _Reading, title: str) -> ParsedDocument:
    turns = [reading.turns.get(index) for index in range(len(reading.pages))]
    heights = [turn.straight_height if turn else page.height for turn, page in zip(turns, reading.pages, strict=True)]
    marks = remove_marks(reading.turned)
    if remove_furniture(reading.runs, heights) or marks:
        reading.flags.add("furniture_removed")
    style = typography(
        [runs for runs, page in zip(reading.runs, reading.pages, strict=True) if not page.ocr] or reading.runs
    )
    blocks: list[Block] = []
    columns = Columns()
    for number, (runs, turned, info) in enumerate(
        zip(reading.runs, reading.turned, reading.pages, strict=True), start=1
    ):
        own = typography([runs]) if info.ocr else style
        found = page_blocks(runs, number, own, ocr=info.ocr, columns=columns)
        turn = turns[number - 1]
        found = [turn.placed(block) for block in found] if turn else found
        blocks.extend(with_figures(found, reading.pictures[number - 1], number))
        blocks.extend(_turned_block(turned, number))
    return ParsedDocument(_title(blocks) or _plausible(title) or source.stem, "", reading.pages, blocks, reading.flags)


def _turned_block(turned: list[Run], number: int) -> list[Block]:
    if not turned:
        return []
    text = "".join(run.text if len(run.text) == 1 else f" {run.text} " for run in turned).strip()
    return [Block(BlockType.PARAGRAPH, text, page=number, box=union([run.box for run in turned]))]


def _title(blocks: list[Block]) -> str:
    first = next(
        (block for block in blocks[:6] if block.type is BlockType.HEADING and block.level == 1 and block.page == 1),
        None,
    )
    return first.text if first is not None and len(first.text) >= 2 else ""


def _plausible(title: str) -> str:
    # Word processors and browsers leave "Microsoft Word - x.doc", "untitled" and "about:blank" behind.
    left_behind = title.lower().startswith(("microsoft", "untitled", "(anonymous", "anonymous", "about:"))
    return "" if left_behind or "." in title[-5:] else title


def render_pdf_page(source: Source, page_number: int, scale: float) -> bytes:
    """One page as PNG; ``page_number`` counts from 1, ``scale`` is pixels per point."""
    with _opened(source) as document:
        if not 1 <= page_number <= len(document):
            raise NoSuchPage(name=source.name, detail=page_number)
        page = document[page_number - 1]
        width, height = page.get_size()
        if width * height * scale * scale > source.limits.pixels:
            raise ImageTooLarge(name=source.name, detail=f"{width * scale:.0f} × {height * scale:.0f}")
        return _png(page.render(scale=scale, rev_byteorder=True))


def _png(bitmap: pypdfium2.PdfBitmap) -> bytes:
    import io

    stream = io.BytesIO()
    bitmap.to_pil().convert("RGB").save(stream, format="PNG", compress_level=3)
    return stream.getvalue()
