"""EML: who, when, about what, the body, and what was attached."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage

from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.delimited import read_csv
from liaoyuan.knowledge.parse.encoding import decode
from liaoyuan.knowledge.parse.errors import Corrupt, Encrypted
from liaoyuan.knowledge.parse.html_page import html_document
from liaoyuan.knowledge.parse.plain_text import text_blocks
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import clean, plain

_TABLES = frozenset({"text/csv", "text/tab-separated-values"})
_HEADERS = ("From", "To", "Cc", "Date")
_MOST_PARTS, _MOST_DEPTH = 500, 20
# The share of the fullest alternative that a plainer one must have.
_TOLD = 0.3
_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")


def read_eml(source: Source) -> ParsedDocument:
    """The plain body where there is one, else the HTML body; text attachments are read, others named."""
    try:
        message = email.message_from_bytes(_narrow(source.data), policy=email.policy.default)
    except (ValueError, LookupError, RecursionError) as error:
        raise Corrupt(name=source.name) from error
    if _enciphered(message):
        raise Encrypted(name=source.name)
    flags: set[str] = set()
    blocks = [*_letter(message, 1, flags), *_attachments(message, flags)]
    return ParsedDocument(_header(message, "Subject") or source.stem, "", [], blocks, flags)


def _letter(message: EmailMessage, level: int, flags: set[str]) -> Iterator[Block]:
    """A message and those inside of it, each below its own subject."""
    subject = _header(message, "Subject")
    if subject:
        yield Block(BlockType.HEADING, subject, level=min(level, 6), locator="Subject")
    lines = [f"{name}: {_header(message, name)}" for name in _HEADERS if _header(message, name)]
    if lines:
        yield Block(BlockType.PARAGRAPH, "\n".join(lines), locator="headers")
    yield from _body(message, level, flags)


def _narrow(data: bytes) -> bytes:
    """Mail is written in bytes of ASCII; some programs save it as UTF-16 all the same."""
    text, _ = decode(data) if b"\0" in data[:200] or data.startswith(_MARKS) else ("", False)
    return text.removeprefix("\ufeff").lstrip().encode() or data


def _enciphered(message: EmailMessage) -> bool:
    if message.get_content_type() == "multipart/encrypted":
        return True
    sealed = message.get_content_type() in {"application/pkcs7-mime", "application/x-pkcs7-mime"}
    return sealed and "signed" not in str(message.get_param("smime-type", "")).lower()


def _header(message: EmailMessage, name: str) -> str:
    try:
        return plain(clean(str(message.get(name, "")))[0])
    except (ValueError, IndexError, AttributeError, LookupError):
        # The standard library raises these on malformed address headers; the raw text is still worth keeping.
        raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
        return plain(clean(str(raw))[0])


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS:
            return
        if not part.is_multipart():
            yield part


def _is_attachment(part: EmailMessage) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _body(part: EmailMessage, level: int, flags: set[str]) -> Iterator[Block]:
    """What a mail program shows: every part in its place, and of alternatives the one that says the most plainly."""
    if not part.is_multipart():
        if not _is_attachment(part):
            yield from _words(part, flags)
        return
    inside = [each for each in part.get_payload() if isinstance(each, EmailMessage)]
    if level > _MOST_DEPTH:
        return
    if part.get_content_type() == "message/rfc822":
        for message in inside:
            yield from _letter(message, level + 1, flags)
    elif part.get_content_type() == "multipart/alternative":
        yield from _best([list(_body(each, level, flags)) for each in inside])
    else:
        for each in inside:
            yield from _body(each, level, flags)


def _words(part: EmailMessage, flags: set[str]) -> Iterator[Block]:
    if part.get_content_type() == "text/html":
        inner = html_document(_text(part), "")
        flags |= inner.flags
        yield from inner.blocks
    elif part.get_content_type() == "text/plain":
        yield from text_blocks(_text(part))


def _best(alternatives: list[list[Block]]) -> list[Block]:
    """The first, which is the plainest, unless it only says that there is another."""
    sizes = [sum(len(block.text) for block in blocks) for blocks in alternatives]
    told = (blocks for blocks, size in zip(alternatives, sizes, strict=True) if size and size >= _TOLD * max(sizes))
    return next(told, [])


def _attachments(message: EmailMessage, flags: set[str]) -> Iterator[Block]:
    for part in _leaves(message):
        if not _is_attachment(part):
            continue
        flags.add("attachments")
        name = plain(clean(part.get_filename() or "?")[0])
        payload = _payload(part)
        yield Block(
            BlockType.HEADING,
            f"附件 / attachment: {name} ({part.get_content_type()}, {len(payload)} bytes)",
            level=2,
            locator=name,
        )
        if part.get_content_type() == "text/html":
            yield from html_document(_text(part), name).blocks
        elif part.get_content_type() in _TABLES or (name.lower().endswith((".csv", ".tsv"))):
            yield from _table_blocks(name, payload, flags)
        elif part.get_content_maintype() == "text":
            yield from text_blocks(_text(part))


def _table_blocks(name: str, payload: bytes, flags: set[str]) -> Iterator[Block]:
    try:
        inner = read_csv(Source(name=name, data=payload))
    except Corrupt:
        flags.add("damaged_page")
        return
    flags |= inner.flags
    yield from inner.blocks


def _payload(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: EmailMessage) -> str:
    return decode(_payload(part), part.get_content_charset())[0]
