"""The plain second reading of a file, in a confined process of its own."""

import zipfile
from pathlib import Path

from liaoyuan.knowledge.questions.plain import plain_text

SAMPLES = Path(__file__).resolve().parents[3] / "industries" / "medical" / "documents"


def test_the_text_layers_of_pdf_docx_and_plain_files_are_read_as_they_are() -> None:
    pages = plain_text(SAMPLES / "手卫生规范.pdf", name="手卫生规范.pdf")
    assert pages[0][0] == 1
    assert "手卫生" in "".join(text for _page, text in pages)
    docx = SAMPLES / "抗菌药物分级管理制度.docx"
    assert "特殊使用级" in "".join(text for _page, text in plain_text(docx, name=docx.name))
    memo = SAMPLES / "会诊管理制度.txt"
    assert "会诊" in plain_text(memo, name=memo.name)[0][1]


def test_a_file_that_resists_says_nothing_and_harms_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 broken")
    assert plain_text(broken, name="broken.pdf") == []
    bomb = tmp_path / "bomb.docx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * (400 * 1024 * 1024))
    text = "".join(text for _page, text in plain_text(bomb, name="bomb.docx"))
    assert len(text) <= 8_000_000
