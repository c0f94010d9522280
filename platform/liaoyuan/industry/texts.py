"""The plain text of a sample document, for checking that a gate question's strings stand in it.

This is no parser for users' files (that is the knowledge app, above this layer): packs are signed by people we
trust, and the
check only needs the characters. A scan has no text here; its questions are proved by the deployment gate, which
reads by OCR.
"""

import csv
import email
import email.policy
import io
import re
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import PurePosixPath

import openpyxl
import pypdfium2
from lxml import etree, html

MAX_MEMBER_BYTES = 20 * 1024 * 1024
MARKUP_NAME = re.compile(r"(word/document|ppt/slides/slide\d+)\.xml$")


def document_text(name: str, data: bytes) -> str:
    """All text of the document, in its own order.

    Raises:
        ValueError: the suffix is unknown or the bytes cannot be read as it says.
    """
    reader = READERS.get(PurePosixPath(name).suffix.lower())
    if reader is None:
        raise ValueError(f"no reader for {name}")
    return reader(data)


def squeeze(text: str) -> str:
    """``text`` without any white space: for comparing, as line breaks differ between formats."""
    return "".join(text.split())


def _plain(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("neither UTF-8 nor GB18030")


def _csv(data: bytes) -> str:
    return "\n".join(" ".join(row) for row in csv.reader(io.StringIO(_plain(data))))


def _html(data: bytes) -> str:
    root = html.fromstring(_plain(data))
    return "\n".join(text for text in root.itertext() if isinstance(text, str))


def _email(data: bytes) -> str:
    message = email.message_from_bytes(data, policy=email.policy.default)
    if not isinstance(message, EmailMessage):
        raise ValueError("not an e-mail")
    body = message.get_body(("plain", "html"))
    return f"{message['subject']}\n{body.get_content() if body else ''}"


def _office(data: bytes) -> str:
    """Word and PowerPoint: the text nodes of the parts that hold content."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    texts: list[str] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if MARKUP_NAME.search(member.filename) and member.file_size <= MAX_MEMBER_BYTES:
                    texts.extend(_text_nodes(etree.fromstring(archive.read(member), parser)))
    except (zipfile.BadZipFile, etree.XMLSyntaxError) as error:
        raise ValueError(f"not an office file: {error}") from error
    return "\n".join(texts)


def _workbook(data: bytes) -> str:
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"not a workbook: {error}") from error
    rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
    return "\n".join("\t".join("" if cell is None else str(cell) for cell in row) for row in rows)


def _text_nodes(root: etree._Element) -> list[str]:
    return [str(text) for text in root.itertext()]


def _pdf(data: bytes) -> str:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise ValueError(f"not a PDF: {error}") from error
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


READERS: dict[str, Callable[[bytes], str]] = {
    ".md": _plain,
    ".txt": _plain,
    ".csv": _csv,
    ".html": _html,
    ".eml": _email,
    ".docx": _office,
    ".xlsx": _workbook,
    ".pptx": _office,
    ".pdf": _pdf,
}
