"""What a file really is: by its bytes, never by its name alone."""

import re
import zipfile
from dataclasses import dataclass

import puremagic

from liaoyuan.knowledge.parse.archive import inspect_archive, open_archive
from liaoyuan.knowledge.parse.encoding import declared_encoding, decode
from liaoyuan.knowledge.parse.errors import Corrupt, HeicPicture, PasswordNeeded, UnsupportedType
from liaoyuan.knowledge.parse.kinds import MEDIA_TYPES
from liaoyuan.knowledge.parse.source import Source

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
    "xml": "xml nxml",
    "eml": "eml",
    "png": "png",
    "jpeg": "jpg jpeg jpe",
    "tiff": "tif tiff",
    "webp": "webp",
    "bmp": "bmp dib",
    "gif": "gif",
    "doc": "doc dot",
    "ppt": "ppt pps pot",
    "msg": "msg",
    "rtf": "rtf",
    "epub": "epub",
    "odt": "odt ott",
    "ods": "ods ots",
    "odp": "odp otp",
}
_EXTENSIONS = {extension: kind for kind, extensions in _NAMES.items() for extension in extensions.split()}
# A text file may hold any of these: the name decides among them, and no mismatch is told.
_TEXTUAL = frozenset({"text", "markdown", "csv"})
_FOREIGN = frozenset({"wps", "et", "dps", "ofd", "zip", "exe", "mp3", "mp4", "heic", "svg"})
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"{\\rtf", "rtf"),
)
# A workbook may lie inside a document: the outer program's own stream is looked for first.
_STREAMS = {
    "doc": ("WordDocument",),
    "ppt": ("PowerPoint Document",),
    "msg": ("__properties_version1.0",),
    "xls": ("Workbook", "Book"),
}
_HTML = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_SVG = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!DOCTYPE\s+svg[^>]*>\s*)?<(?:\w+:)?svg\b",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(r"\A\s*<(?:\?xml\s|[A-Za-z_][\w.:-]*[\s/>]|!DOCTYPE\s)", re.IGNORECASE)
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
    """Raises UnsupportedType, PasswordNeeded, Encrypted, Corrupt or ZipBomb for what cannot or must not be read."""
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
    kind = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None) or _riff_or_bitmap(head)
    if kind is not None:
        return kind, set()
    if _is_heic(head):
        raise HeicPicture(name=source.name)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _package(source)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound(source), set()
    return _textual(source), set()


def _riff_or_bitmap(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    # Two letters alone would take in any text that begins with them: the reserved words of the header must be zero.
    return "bmp" if head[:2] == b"BM" and head[6:10] == bytes(4) and len(head) > 26 else None


def _package(source: Source) -> tuple[str, set[str]]:
    with open_archive(source) as archive:
        flags = inspect_archive(source, archive)
        names = set(archive.namelist())
    for kind, part in (("docx", "word/"), ("xlsx", "xl/"), ("pptx", "ppt/")):
        if any(name.startswith(part) for name in names):
            if "[Content_Types].xml" not in names:
                raise Corrupt(name=source.name)
            return kind, flags
    declared = _declared(source) if "mimetype" in names else ""
    kinds = {media_type: kind for kind, media_type in MEDIA_TYPES.items()}
    if kinds.get(declared.removesuffix("-template")) in {"epub", "odt", "ods", "odp"}:
        return kinds[declared.removesuffix("-template")], flags
    raise UnsupportedType(name=source.name, detail=_foreign_name(source, "zip"))


def _declared(source: Source) -> str:
    """What an EPUB or OpenDocument package says of itself."""
    with open_archive(source) as archive:
        try:
            return archive.read("mimetype")[:100].decode("ascii", "replace").strip()
        except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
            raise Corrupt(name=source.name) from error


def _compound(source: Source) -> str:
    # Directory entries of a compound file are UTF-16 names; the package of an encrypted Office file has one of its own.
    if "EncryptedPackage".encode("utf-16-le") in source.data:
        raise PasswordNeeded(name=source.name)
    for kind, names in _STREAMS.items():
        if any(f"{name}\0".encode("utf-16-le") in source.data for name in names):
            return kind
    raise UnsupportedType(name=source.name, detail=_foreign_name(source, "OLE"))


def _textual(source: Source) -> str:
    sample = _sample(source.data)
    text, _ = decode(sample, declared_encoding(sample))
    if _binary(text):
        raise UnsupportedType(name=source.name, detail=_foreign_name(source, "binary"))
    expected = _EXTENSIONS.get(source.extension)
    if _SVG.match(text):
        # A drawing with scripts and addresses in it; its words are no running text.
        raise UnsupportedType(name=source.name, detail="SVG")
    if _HTML.match(text) or (expected == "html" and _HTML_TAG.search(text)):
        return "html"
    if (expected == "xml" or text.lstrip()[:6] == "<?xml ") and _XML.match(text):
        return "xml"
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


def _is_heic(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}


def _foreign_name(source: Source, fallback: str) -> str:
    try:
        return str(puremagic.from_string(source.data[:65536], filename=source.name)).lstrip(".").upper() or fallback
    except (puremagic.PureError, ValueError):
        return fallback
