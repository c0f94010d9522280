"""The shared last pass: numbered and statute-like structure becomes headings, articles and heading paths."""

import re
from dataclasses import replace

from liaoyuan.knowledge.parse.blocks import Block, BlockType
from liaoyuan.knowledge.parse.continued import tables_joined
from liaoyuan.knowledge.parse.text import ends_sentence, is_contents_entry, join_lines, plain

_NUMBER = "[〇零一二两三四五六七八九十百千\\d]+"
# With a blank any short title counts; without one (scans lose it) only a title that is no reference or sentence.
_DIVISION = re.compile(
    f"^第\\s*{_NUMBER}\\s*(分编|编|篇|章|节)(?:[\\s\u3000:：、]+.{{0,50}}|(?![规的第所至和及或、，以中项])[^，。；：、]{{0,20}})$"
)
# "第三条 …" opens an article; "第三条规定…" or "第三条第二款" is a reference to one.
_REFERENCE = "规定|第|的|款|所|至|和|及|或|、|，|,|以|中|项|情形|要求|之|与|关于|对|给予|处罚|执行|办理|到"
_ARTICLE = re.compile(f"^(第\\s*{_NUMBER}\\s*条(?:之{_NUMBER})?)(?:[\\s\u3000:：【（(]|$|(?!{_REFERENCE}))")
_ARTICLE_LINE = re.compile(f"\n(?=第\\s*{_NUMBER}\\s*条(?:之{_NUMBER})?[\\s\u3000])")
_DECIMAL = re.compile("^(\\d{1,3}(?:\\.\\d{1,3}){1,5})\\.?[\\s\u3000]*(?=[^\\s\\d.,%％])(.*)$", re.DOTALL)
_ANNEX = re.compile("^(附\\s*[录件表]\\s*[A-Z\\d一二三四五六七八九十]{0,3})(?=[\\s\u3000:：]|$)(.{0,50})$")
_CHINESE_ITEM = re.compile("^[一二三四五六七八九十]{1,3}、(.{1,40})$")
_LIST_ITEM = re.compile(
    "^(?:[•·●○▪■◆‣◦–—*-]\\s+|[(（][一二三四五六七八九十\\d]{1,3}[)）]|\\d{1,3}[)）、]|[①-⑳]|"
    "\\d{1,3}\\.(?:\\s+|(?=[\u4e00-\u9fff]))|[a-zA-Z][.)]\\s)"
)
# "图 1 系统结构", "Table 2: …": short, and no reference within a sentence.
_CAPTION = re.compile(
    "^(?:图|表|附图|附表|Fig(?:ure)?\\.?|Table)\\s*[A-Z]?\\d{1,3}(?:[-–.]\\d{1,3})*[\\s\u3000:：.]\\s*\\S.{0,100}$"
)
_LEVELS = {"编": 2, "篇": 2, "分编": 2, "章": 3, "节": 4}
_ARTICLE_CHARACTERS = 1500
_HEADING_CHARACTERS = 60


def starts_item(text: str) -> bool:
    """Whether a line opens something of its own: an article, a division, a numbered clause or a list item."""
    return any(pattern.match(text) for pattern in (_ARTICLE, _DIVISION, _DECIMAL, _LIST_ITEM, _ANNEX, _CHINESE_ITEM))


def is_list_item(text: str) -> bool:
    """Whether a line begins with a bullet or an item number."""
    return bool(_LIST_ITEM.match(text))


def structure(blocks: list[Block], title: str) -> list[Block]:
    """Reading order stays; headings are recognised, articles gathered into one block each, heading paths filled in."""
    recognised = [_recognise(part) for block in tables_joined(blocks) for part in _split_articles(block)]
    return _with_paths(_gather(_rejoin(recognised)), title)


def _split_articles(block: Block) -> list[Block]:
    if block.type is not BlockType.PARAGRAPH or "\n" not in block.text:
        return [block]
    return [replace(block, text=part) for part in _ARTICLE_LINE.split(block.text) if part]


def _recognise(block: Block) -> Block:
    if block.type not in {BlockType.PARAGRAPH, BlockType.HEADING, BlockType.LIST} or is_contents_entry(block.text):
        return block
    division = _DIVISION.match(block.text)
    if division:
        return _as_heading(block, _LEVELS[division.group(1)])
    article = _ARTICLE.match(block.text)
    if article:
        return _as_article(block, article.group(1))
    if _ANNEX.match(block.text):
        return _as_heading(block, 2)
    if block.type is not BlockType.HEADING and _CAPTION.match(block.text) and not block.text.endswith("。"):
        return replace(block, type=BlockType.CAPTION)
    if block.type is BlockType.PARAGRAPH:
        return _recognise_paragraph(block)
    return block


def _as_heading(block: Block, level: int) -> Block:
    return replace(block, type=BlockType.HEADING, level=level, text=plain(block.text))


def _as_article(block: Block, opening: str) -> Block:
    locator = "".join(opening.split())
    rest = block.text[len(opening) :]
    # PDF and OCR lose the blank after the number.
    block = replace(block, text=f"{locator} {rest}") if rest[:1].isalnum() else block
    # A lone "第三条" that a reader found to be a heading (a slide's title) stays one.
    if block.type is BlockType.HEADING and len(block.text) <= len(locator) + 20:
        return replace(block, locator=block.locator or locator)
    return replace(block, type=BlockType.PARAGRAPH, level=None, locator=locator)


def _recognise_paragraph(block: Block) -> Block:
    text = block.text
    decimal = _DECIMAL.match(text)
    if decimal:
        short = len(text) <= _HEADING_CHARACTERS and "\n" not in text and not ends_sentence(text)
        if short:
            return _as_heading(
                replace(block, locator=block.locator or decimal.group(1)), 2 + decimal.group(1).count(".")
            )
        return replace(block, locator=block.locator or decimal.group(1))
    if _CHINESE_ITEM.match(text) and not ends_sentence(text):
        return _as_heading(block, 3)
    return replace(block, type=BlockType.LIST) if _LIST_ITEM.match(text) else block


def _rejoin(blocks: list[Block]) -> list[Block]:
    """Joins a paragraph that a page or column break cut in mid-sentence."""
    joined: list[Block] = []
    for block in blocks:
        # A figure at the foot of a page stands between the halves of a paragraph without ending it.
        index = next((at for at in reversed(range(len(joined))) if joined[at].type is not BlockType.FIGURE), None)
        if index is not None and _continues(joined[index], block):
            last = joined[index]
            joined[index] = replace(last, text=join_lines(last.text, block.text), lines=last.lines + block.lines)
        else:
            joined.append(block)
    return joined


def _continues(last: Block, block: Block) -> bool:
    flowing = {BlockType.PARAGRAPH, BlockType.LIST}
    if last.box is None or block.box is None or last.page is None or block.page is None:
        return False
    if last.type not in flowing or block.type is not BlockType.PARAGRAPH or starts_item(block.text):
        return False
    if ends_sentence(last.text) or len(last.text) < 12:
        return False
    higher_up = block.page == last.page and block.box[1] < last.box[1] and block.box[0] > last.box[2]
    return block.page == last.page + 1 or higher_up


def _gather(blocks: list[Block]) -> list[Block]:
    """Paragraphs and items after "第三条 …" belong to it, until the next article or heading."""
    gathered: list[Block] = []
    article: str | None = None
    for block in blocks:
        flowing = block.type in {BlockType.PARAGRAPH, BlockType.LIST} and not block.locator.endswith("notes")
        if not flowing or _ARTICLE.match(block.text):
            article = block.locator if flowing else (article if block.type is not BlockType.HEADING else None)
            gathered.append(block)
        elif article is None:
            gathered.append(block)
        elif _fits(gathered[-1], block):
            gathered[-1] = _merge(gathered[-1], block)
        else:
            gathered.append(replace(block, locator=article, heading_path=(article,)))
    return gathered


def _fits(last: Block, block: Block) -> bool:
    if last.box is not None and block.box is not None and block.box[1] < last.box[1]:
        return False  # the next column: one box around both would cover half the page
    same_place = last.page == block.page and last.type is BlockType.PARAGRAPH and bool(_ARTICLE.match(last.text))
    return same_place and len(last.text) + len(block.text) <= _ARTICLE_CHARACTERS


def _merge(last: Block, block: Block) -> Block:
    boxes = [box for box in (last.box, block.box) if box]
    box = (
        (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))
        if boxes
        else None
    )
    return replace(last, text=f"{last.text}\n{block.text}", box=box, lines=last.lines + block.lines)


def _with_paths(blocks: list[Block], title: str) -> list[Block]:
    stack: list[tuple[int, str]] = []
    placed: list[Block] = []
    for block in blocks:
        if block.type is BlockType.HEADING:
            level = block.level or 1
            while stack and stack[-1][0] >= level:
                stack.pop()
            placed.append(replace(block, heading_path=_path(stack, title)))
            stack.append((level, plain(block.text)))
        else:
            placed.append(replace(block, heading_path=(*_path(stack, title), *block.heading_path)))
    return placed


def _path(stack: list[tuple[int, str]], title: str) -> tuple[str, ...]:
    return tuple(text for _, text in stack if text != title)
