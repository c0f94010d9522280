"""A number of a sheet reads as the sheet shows it where its bare value means something else."""

from pathlib import Path

import openpyxl
import pytest

from liaoyuan.knowledge.parse.blocks import BlockType
from tests.unit.knowledge_parse.conftest import Parse
from tests.unit.knowledge_parse.test_formats import of_type, ready

SHOWN = [
    (0.125, "0%", "12.5%"),
    (1, "0.00%", "100%"),
    (-0.03, '[Red]0.0%;"零"', "-3%"),
    (7, "000", "007"),
    (20260001, "00000000", "20260001"),
    # Rounding, separators, currencies and a sign of percent that is only printed hide nothing of the value.
    (1234.5, '"¥"#,##0', "1234.5"),
    (3.14159, "0.00", "3.14159"),
    (12, '0"%"', "12"),
    (7, "0", "7"),
    (7.5, "000", "7.5"),
    (True, "000", "TRUE"),
    ("七", "0%", "七"),
]


@pytest.mark.parametrize(("value", "code", "shown"), SHOWN)
def test_a_cell_says_what_is_meant(tmp_path: Path, parse: Parse, value: object, code: str, shown: str) -> None:
    book, path = openpyxl.Workbook(), tmp_path / "台账.xlsx"
    sheet = book.active
    assert sheet is not None
    for row in (["名称", "数值"], ["甲", value], ["乙", "无"]):
        sheet.append(row)
    sheet["B2"].number_format = code
    book.save(path)
    (table,) = of_type(ready(parse(path)), BlockType.TABLE)
    assert table.table is not None and table.table[1] == ["甲", shown]
