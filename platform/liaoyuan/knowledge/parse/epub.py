"""EPUB: the chapters in the order of the book's spine, each read as a page of HTML."""

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote

from lxml import etree

from liaoyuan.knowledge.parse.archive import open_archive
from liaoyuan.knowledge.parse.blocks import Block, ParsedDocument
from liaoyuan.knowledge.parse.encoding import declared_encoding, decode
from liaoyuan.knowledge.parse.errors import Corrupt, Encrypted
from liaoyuan.knowledge.parse.html_page import html_document
from liaoyuan.knowledge.parse.safe_xml import xml_parse
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import plain

MEDIA_TYPE = b"application/epub+zip"
_CONTAINER, _RIGHTS = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html"})
_MOST_CHAPTERS = 5000
# Fonts may be scrambled in a book that anybody may read; only scrambled chapters mean protection.
_CHAPTERS = (".xhtml", ".html", ".htm", ".xml")


def read_epub(source: Source) -> ParsedDocument:
    """Raises Encrypted for protected books, Corrupt where the spine cannot be read."""
    flags: set[str] = set()
    try:
        with open_archive(source) as archive:
            if _protected(archive):
                raise Encrypted(name=source.name)
            root = _package_path(archive)
            package = xml_parse(archive.read(root))
            blocks = list(_chapters(source, archive, package, posixpath.dirname(root), flags))
            title = plain(next((node.text or "" for node in package.iterfind(".//{*}metadata/{*}title")), ""))
    except (KeyError, etree.XMLSyntaxError, zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise Corrupt(name=source.name) from error
    return ParsedDocument(title or source.stem, "", [], blocks, flags)


def _protected(archive: zipfile.ZipFile) -> bool:
    if _RIGHTS not in archive.namelist():
        return False
    references = xml_parse(archive.read(_RIGHTS)).iterfind(".//{*}CipherReference")
    return any(node.get("URI", "").lower().endswith(_CHAPTERS) for node in references)


def _package_path(archive: zipfile.ZipFile) -> str:
    found = xml_parse(archive.read(_CONTAINER)).find(".//{*}rootfile")
    if found is None:
        raise KeyError(_CONTAINER)
    return found.get("full-path", "")


def _chapters(
    source: Source, archive: zipfile.ZipFile, package: etree._Element, folder: str, flags: set[str]
) -> Iterator[Block]:
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    spine = [reference.get("idref") for reference in package.iterfind(".//{*}spine/{*}itemref")]
    for number, identifier in enumerate(spine[:_MOST_CHAPTERS], start=1):
        item = items.get(identifier)
        if item is None or item.get("media-type") not in _PAGES or item.get("properties") == "nav":
            continue
        if source.late():
            flags.add("time_limit")
            return
        name = posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        if name not in archive.namelist():
            flags.add("damaged_page")
            continue
        data = archive.read(name)
        chapter = html_document(decode(data, declared_encoding(data))[0], "")
        flags |= chapter.flags
        for block in chapter.blocks:
            yield replace(block, locator=block.locator or f"chapter {number}")
