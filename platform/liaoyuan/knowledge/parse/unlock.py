"""A password is used once, here in the child: the file comes out readable, and the password is kept nowhere.

What is unlocked is stored in the file's place, so that page pictures, a new parse and a new index need no password.
"""

import ctypes
import io
from typing import Any

import msoffcrypto
import pypdfium2
import pypdfium2.raw as pdfium

from liaoyuan.knowledge.parse.errors import Corrupt, PasswordWrong, TooLarge
from liaoyuan.knowledge.parse.source import Source

_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF = b"%PDF-"
_HEAD = 1024
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(pdfium.FPDF_FILEWRITE), ctypes.c_void_p, ctypes.c_ulong)


def unlock(source: Source) -> bytes:
    """The bytes of ``source`` without their protection, by ``source.password``; a file without any comes back as it is.

    Raises PasswordWrong, or Corrupt where the protection is of a kind that nobody can open here.
    """
    if _PDF in source.data[:_HEAD]:
        return _pdf(source)
    return _office(source) if source.data.startswith(_COMPOUND) else source.data


def _pdf(source: Source) -> bytes:
    try:
        document = pypdfium2.PdfDocument(source.data, password=source.password)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise PasswordWrong(name=source.name) from error
        raise Corrupt(name=source.name) from error
    with document:
        written = bytearray()

        # pdfium hands over the new file piece by piece; it must not outgrow what one file may hold.
        def write(_: Any, data: int, size: int) -> int:
            written.extend(ctypes.string_at(data, size))
            return int(len(written) <= source.limits.file_bytes)

        sink = pdfium.FPDF_FILEWRITE(version=1, WriteBlock=_WRITE(write))
        if not pdfium.FPDF_SaveAsCopy(document.raw, ctypes.byref(sink), pdfium.FPDF_REMOVE_SECURITY):
            raise TooLarge(name=source.name, detail=f"> {source.limits.file_bytes // 1048576} MB")
    return bytes(written)


def _office(source: Source) -> bytes:
    opened = io.BytesIO()
    try:
        file = msoffcrypto.OfficeFile(io.BytesIO(source.data))
        if not file.is_encrypted():
            return source.data
        file.load_key(password=source.password or "", verify_password=True)
        file.decrypt(opened)
    except msoffcrypto.exceptions.InvalidKeyError as error:
        raise PasswordWrong(name=source.name) from error
    except (msoffcrypto.exceptions.DecryptionError, msoffcrypto.exceptions.FileFormatError, OSError) as error:
        if "password" in str(error).lower():
            raise PasswordWrong(name=source.name) from error
        raise Corrupt(name=source.name) from error
    return opened.getvalue()
