"""The charts of a workbook, on their sheets and on sheets of their own: a title and the table behind each."""

import io
import posixpath
import zipfile
from collections.abc import Iterator

from lxml import etree

from liaoyuan.knowledge.parse.blocks import Block, BlockType
from liaoyuan.knowledge.parse.charts import chart_grid, chart_title
from liaoyuan.knowledge.parse.grid import table_block
from liaoyuan.knowledge.parse.safe_xml import xml_parse

_MOST_CHARTS = 200
_LARGEST_PART = 16 << 20
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Charts:
    """Reads the parts of a workbook that lead from a sheet to its charts."""

    def __init__(self, data: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        self._left = _MOST_CHARTS

    def of(self, path: str, title: str, flags: set[str]) -> Iterator[Block]:
        """The charts of the sheet stored at ``path`` and called ``title``."""
        for drawing in self._targets(path.lstrip("/"), "/drawing"):
            unseen = self._unseen(drawing)
            for key, chart in self._related(drawing, "/chart"):
                if key in unseen:
                    flags.add("hidden_text")
                    continue
                self._left -= 1
                if self._left < 0:
                    flags.add("cell_limit")
                    return
                yield from self._blocks(chart, title, flags)

    def alone(self, title: str, flags: set[str]) -> Iterator[Block]:
        """The charts of the sheet called ``title`` that holds nothing else; none where it is hidden, which is told."""
        book = "xl/workbook.xml"
        try:
            root = xml_parse(self._part(book))
        except (etree.XMLSyntaxError, KeyError):
            return
        sheet = next((each for each in root.iter("{*}sheet") if each.get("name") == title), None)
        if sheet is None or sheet.get("state", "visible") != "visible":
            flags |= {"hidden_sheet", "hidden_text"}
            return
        for key, path in self._related(book, "sheet"):
            if key == sheet.get(_ID):
                yield from self.of(path, title, flags)

    def _blocks(self, path: str, title: str, flags: set[str]) -> Iterator[Block]:
        try:
            root = xml_parse(self._part(path))
        except (etree.XMLSyntaxError, KeyError):
            flags.add("damaged_page")
            return
        grid = chart_grid(root)
        if not grid:
            return
        name = chart_title(root)
        if name:
            yield Block(BlockType.CAPTION, name, locator=title)
        yield table_block(grid, locator=title)

    def _unseen(self, drawing: str) -> set[str]:
        """The charts of a drawing that somebody switched off, by their relationship."""
        try:
            root = xml_parse(self._part(drawing))
        except (etree.XMLSyntaxError, KeyError):
            return set()
        frames = root.iter("{*}graphicFrame")
        hidden = [each for each in frames if any(part.get("hidden") in {"1", "true"} for part in each.iter("{*}cNvPr"))]
        return {chart.get(_ID, "") for frame in hidden for chart in frame.iter("{*}chart")}

    def _targets(self, path: str, kind: str) -> list[str]:
        return [target for _, target in self._related(path, kind)]

    def _related(self, path: str, kind: str) -> list[tuple[str, str]]:
        """(id, target) of a part's relationships of this kind; nothing outside of the file."""
        folder, name = posixpath.split(path)
        try:
            root = xml_parse(self._part(f"{folder}/_rels/{name}.rels"))
        except (etree.XMLSyntaxError, KeyError):
            return []
        own = [each for each in root if each.get("Type", "").endswith(kind) and each.get("TargetMode") != "External"]
        return [(each.get("Id", ""), _inside(folder, each.get("Target", ""))) for each in own]

    def _part(self, path: str) -> bytes:
        if self._archive.getinfo(path).file_size > _LARGEST_PART:
            raise KeyError(path)
        return self._archive.read(path)


def _inside(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
