"""MSG: an Outlook message: who, when, about what, the body, and the names of what was attached."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import olefile

from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.encoding import decode
from liaoyuan.knowledge.parse.errors import Corrupt
from liaoyuan.knowledge.parse.html_page import html_document
from liaoyuan.knowledge.parse.plain_text import text_blocks
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import clean, plain

# Property identifiers of [MS-OXPROPS], as they stand in the names of streams.
_SUBJECT, _BODY, _HTML, _SENDER, _ADDRESS = "0037", "1000", "1013", "0C1A", "0C1F"
_SHOWN = (("To", "0E04"), ("Cc", "0E03"))
_ATTACHED_NAMES = ("3707", "3704")
_SENT = (b"\x40\x00\x39\x00", b"\x40\x00\x06\x0e")
_PROPERTIES = "__properties_version1.0"
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def read_msg(source: Source) -> ParsedDocument:
    """The plain body where there is one, else the HTML body; attachments are named."""
    try:
        with olefile.OleFileIO(io.BytesIO(source.data)) as container:
            message = _Message(container)
            subject = plain(clean(message.text(_SUBJECT))[0])
            flags: set[str] = set()
            blocks = [*_head(message, subject), *_body(message, flags), *_attachments(message, flags)]
    except (OSError, ValueError, OverflowError, olefile.olefile.OleFileError) as error:
        raise Corrupt(name=source.name) from error
    return ParsedDocument(subject or source.stem, "", [], blocks, flags)


class _Message:
    """Properties of a message by their identifier."""

    def __init__(self, container: olefile.OleFileIO) -> None:
        self.container = container

    def raw(self, identifier: str, kinds: tuple[str, ...], folder: str = "") -> tuple[str, bytes]:
        for kind in kinds:
            name = f"{folder}/__substg1.0_{identifier}{kind}".lstrip("/")
            if self.container.exists(name):
                return kind, self.container.openstream(name).read()
        return "", b""

    def text(self, identifier: str, folder: str = "") -> str:
        kind, data = self.raw(identifier, ("001F", "001E"), folder)
        return data.decode("utf-16-le", "replace") if kind == "001F" else decode(data)[0]

    def sent(self) -> str:
        data = self.container.openstream(_PROPERTIES).read() if self.container.exists(_PROPERTIES) else b""
        for mark in _SENT:
            place = data.find(mark)
            if place >= 0:
                ticks = int.from_bytes(data[place + 8 : place + 16], "little")
                return (_EPOCH + timedelta(microseconds=ticks // 10)).isoformat(" ", "seconds")
        return ""

    def folders(self) -> list[str]:
        return sorted({entry[0] for entry in self.container.listdir() if entry[0].startswith("__attach")})


def _head(message: _Message, subject: str) -> Iterator[Block]:
    if subject:
        yield Block(BlockType.HEADING, subject, level=1, locator="Subject")
    sender = " ".join(part for part in (message.text(_SENDER), message.text(_ADDRESS)) if part)
    shown = [("From", sender), *((name, message.text(key)) for name, key in _SHOWN), ("Date", message.sent())]
    lines = [f"{name}: {plain(clean(value)[0])}" for name, value in shown if value.strip("\0 ")]
    if lines:
        yield Block(BlockType.PARAGRAPH, "\n".join(lines), locator="headers")


def _body(message: _Message, flags: set[str]) -> list[Block]:
    text = message.text(_BODY)
    if text.strip():
        return text_blocks(text)
    _, data = message.raw(_HTML, ("0102", "001F", "001E"))
    page = html_document(decode(data)[0], "")
    flags |= page.flags
    return page.blocks


def _attachments(message: _Message, flags: set[str]) -> Iterator[Block]:
    for folder in message.folders():
        name = next((found for key in _ATTACHED_NAMES if (found := message.text(key, folder))), "?")
        flags.add("attachments")
        yield Block(BlockType.HEADING, f"附件 / attachment: {plain(clean(name)[0])}", level=2, locator="attachment")
