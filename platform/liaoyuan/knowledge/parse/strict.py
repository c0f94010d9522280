"""Office files in the strict form of ISO 29500: their names are turned into those that every reader knows."""

import io
import zipfile

_STRICT = b"http://purl.oclc.org/ooxml/"
_KNOWN = b"http://schemas.openxmlformats.org/"
# Most names differ by their beginning and the year alone.
_FAMILIES = (
    (b"officeDocument/relationships", b"officeDocument/2006/relationships"),
    (b"officeDocument/", b"officeDocument/2006/"),
    (b"wordprocessingml/", b"wordprocessingml/2006/"),
    (b"spreadsheetml/", b"spreadsheetml/2006/"),
    (b"presentationml/", b"presentationml/2006/"),
    (b"drawingml/", b"drawingml/2006/"),
)
_RELATIONS = "_rels/.rels"


def transitional(data: bytes) -> bytes:
    """``data`` itself unless it is strict; else the package with its names replaced. Raises zipfile.BadZipFile."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        if _RELATIONS not in package.namelist() or _STRICT not in package.read(_RELATIONS):
            return data
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as copy:
            for entry in package.infolist():
                body = package.read(entry)
                copy.writestr(entry.filename, _renamed(body) if entry.filename.endswith((".xml", ".rels")) else body)
        return stream.getvalue()


def _renamed(body: bytes) -> bytes:
    for family, known in _FAMILIES:
        body = body.replace(_STRICT + family, _KNOWN + known)
    return body
