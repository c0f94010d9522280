"""What a file really is: by its bytes, never by its name alone."""

import re
from dataclasses import dataclass

import puremagic

from liaoyuan.knowledge.parse.archive import inspect_archive, open_archive
from liaoyuan.knowledge.parse.encoding import declared_encoding, decode
from liaoyuan.knowledge.parse.errors import Corrupt, Encrypted, UnsupportedType
from liaoyuan.knowledge.parse.source import Source

_OFFICE = "application/vnd.openxmlformats-officedocument."
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": f"{_OFFICE}wordprocessingml.document",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "pptx": f"{_OFFICE}presentationml.presentation",
    "xls": "application/vnd.ms-excel",
    "html": "text/html",
    "markdown": "text/markdown",
    "text": "text/plain",
    "csv": "text/csv",
    "eml": "message/rfc822",
    "png": "image/png",
    "jpeg": "image/jpeg",
}
_NAMES = {
    "pdf": "pdf",
    "docx": "docx docm dotx",
    "xlsx": "xlsx xlsm xltx",
    "xls": "xls",
    "pptx": "pptx pptm ppsx potx",
    "html": "html htm xhtml",
    "markdown": "md markdown",
    "text": "txt text log",
    "csv": "csv tsv",
    "eml": "eml",
    "png": "png",
    "jpeg": "jpg jpeg jpe",
}
_EXTENSIONS = {extension: kind for kind, extensions in _NAMES.items() for extension in extensions.split()}
# A text file may hold any of these: the name decides among them, and no mismatch is told.
_TEXTUAL = frozenset({"text", "markdown", "csv"})
_FOREIGN = frozenset(
    {"doc", "ppt", "gif", "bmp", "tif", "tiff", "webp", "zip", "exe", "odt", "epub", "rtf", "msg", "mp3", "mp4"}
)
_HTML = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_HTML_TAG = re.compile(r"</(?:p|div|table|h[1-6]|ul|span|body|html)\s*>", re.IGNORECASE)
_MAIL = re.compile(r"\A(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}", re.MULTILINE)
_MAIL_KEYS = re.compile(
    r"^(?:from|to|subject|date|message-id|mime-version|received|return-path):", re.IGNORECASE | re.MULTILINE
)
_SAMPLE_BYTES = 65536
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Detected:
    """The reader to use, the media type, and flags found on the way (``extension_mismatch``, ``embedded_objects``)."""

    kind: str
    media_type: str
    flags: frozenset[str]


def detect(source: Source) -> Detected:
    """Raises UnsupportedType, Encrypted, Corrupt or ZipBomb where the content cannot or must not be read."""
    kind, flags = _kind(source)
    expected = _EXTENSIONS.get(source.extension)
    if _mismatch(source.extension, expected, kind):
        flags.add("extension_mismatch")
    return Detected(kind, MEDIA_TYPES[kind], frozenset(flags))


def _mismatch(extension: str, expected: str | None, kind: str) -> bool:
    if expected is None:
        return extension in _FOREIGN
    return expected != kind and not (expected in _TEXTUAL and kind in _TEXTUAL)


def _kind(source: Source) -> tuple[str, set[str]]:
    head = source.data[:1024]
    if b"%PDF-" in head:
        return "pdf", set()
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png", set()
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg", set()
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _package(source)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound(source), set()
    return _textual(source), set()


def _package(source: Source) -> tuple[str, set[str]]:
    with open_archive(source) as archive:
        flags = inspect_archive(source, archive)
        names = set(archive.namelist())
    for kind, part in (("docx", "word/"), ("xlsx", "xl/"), ("pptx", "ppt/")):
        if any(name.startswith(part) for name in names):
            if "[Content_Types].xml" not in names:
                raise Corrupt(name=source.name)
            return kind, flags
    raise UnsupportedType(name=source.name, detail=_foreign_name(source, "zip"))


def _compound(source: Source) -> str:
    # Directory entries of a compound file are UTF-16 names; the package of an encrypted Office file has one of its own.
    if "EncryptedPackage".encode("utf-16-le") in source.data:
        raise Encrypted(name=source.name)
    if any(name.encode("utf-16-le") in source.data for name in ("Workbook\0", "Book\0")):
        return "xls"
    raise UnsupportedType(name=source.name, detail=_foreign_name(source, "OLE"))


def _textual(source: Source) -> str:
    sample = _sample(source.data)
    text, _ = decode(sample, declared_encoding(sample))
    if _binary(text):
        raise UnsupportedType(name=source.name, detail=_foreign_name(source, "binary"))
    if text.startswith("{\\rtf"):
        raise UnsupportedType(name=source.name, detail="RTF")
    expected = _EXTENSIONS.get(source.extension)
    if _HTML.match(text) or (expected == "html" and _HTML_TAG.search(text)):
        return "html"
    if expected == "eml" or (
        expected != "markdown" and _MAIL.match(text) and len(_MAIL_KEYS.findall(text[:8192])) >= 3
    ):
        return "eml" if _MAIL_KEYS.search(text[:8192]) else "text"
    return expected if expected in _TEXTUAL else "text"


def _sample(data: bytes) -> bytes:
    """Enough to tell by. The cut falls at a line's end: half a character would make good GB18030 look broken."""
    if len(data) <= _SAMPLE_BYTES or b"\x00" in data[:4096]:
        return data[:_SAMPLE_BYTES]
    return data[: data.rfind(b"\n", 0, _SAMPLE_BYTES) + 1] or data


def _binary(text: str) -> bool:
    if not text:
        return False
    odd = len(_CONTROL.findall(text)) + text.count("\ufffd")
    return odd > max(8, len(text) * 0.05) or "\x00" in text[:1024]


def _foreign_name(source: Source, fallback: str) -> str:
    try:
        return str(puremagic.from_string(source.data[:65536], filename=source.name)).lstrip(".").upper() or fallback
    except (puremagic.PureError, ValueError):
        return fallback
