"""A sign that a font draws and a digit that stands high are part of what is written: ≥ 85 ℃ is not 85 ℃."""

from pathlib import Path

import docx
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pptx.oxml import parse_xml as parse_slide
from pptx.util import Pt

from liaoyuan.knowledge.parse.html_page import html_document
from liaoyuan.knowledge.parse.signs import lowered, raised
from tests.unit.knowledge_parse.conftest import Parse


def word(path: Path, *runs: str) -> Path:
    document = docx.Document()
    paragraph = document.add_paragraph()
    for run in runs:
        paragraph._p.append(parse_xml(f"<w:r {nsdecls('w')}>{run}</w:r>"))
    document.save(str(path))
    return path


SIGNS = {
    "温度≥85": ["<w:t>温度</w:t>", '<w:sym w:font="Symbol" w:char="F0B3"/>', "<w:t>85</w:t>"],
    "☑已停电": ['<w:sym w:font="Wingdings" w:char="F0FE"/>', "<w:t>已停电</w:t>"],
    "±5": ['<w:rPr><w:rFonts w:ascii="Symbol" w:hAnsi="Symbol"/></w:rPr><w:t>&#xF0B1;5</w:t>'],
    "10³": ["<w:t>10</w:t>", '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>3</w:t>'],
    "SF₆": ["<w:t>SF</w:t>", '<w:rPr><w:vertAlign w:val="subscript"/></w:rPr><w:t>6</w:t>'],
    "1st": ["<w:t>1</w:t>", '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>st</w:t>'],
    "拼音": [("<w:ruby><w:rt><w:r><w:t>pīnyīn</w:t></w:r></w:rt>"
            "<w:rubyBase><w:r><w:t>拼音</w:t></w:r></w:rubyBase></w:ruby>")],
}  # fmt: skip


@pytest.mark.parametrize("text", SIGNS)
def test_a_word_file_keeps_its_signs(tmp_path: Path, parse: Parse, text: str) -> None:
    document = parse(word(tmp_path / "a.docx", *SIGNS[text])).document
    assert document is not None and document.text == text


def test_only_digits_change_their_form() -> None:
    assert (raised("-3"), raised("[1]"), raised("th"), lowered("2"), lowered("max")) == ("⁻³", "[1]", "th", "₂", "max")


PAGES = {
    "H₂O 与 10³": "H<sub>2</sub>O 与 10<sup>3</sup>",
    "维基[1]": "维基<sup>[1]</sup>",
    "x= (-b)/(2a) 。": "x=<math><mfrac><mrow><mo>-</mo><mi>b</mi></mrow>"
    "<mrow><mn>2</mn><mi>a</mi></mrow></mfrac></math>。",
    "E=mc^2": "<math><semantics><mrow><mi>E</mi><mo>=</mo><msup><mrow><mi>m</mi><mi>c</mi></mrow><mn>2</mn></msup>"
    "</mrow>"
    "<annotation>E=mc^{2}</annotation></semantics></math>",
}


@pytest.mark.parametrize("text", PAGES)
def test_a_page_keeps_them_too(text: str) -> None:
    (block,) = html_document(f"<p>{PAGES[text]}</p>", "a").blocks
    assert block.text.replace("(mc)", "mc") == text


SLIDES = {
    "第一行\n第二行": "<a:r><a:t>第一行</a:t></a:r><a:br/><a:r><a:t>第二行</a:t></a:r>",
    "SF₆ 10³": '<a:r><a:t>SF</a:t></a:r><a:r><a:rPr baseline="-25000"/><a:t>6</a:t></a:r><a:r><a:t> 10</a:t></a:r>'
    '<a:r><a:rPr baseline="30000"/><a:t>3</a:t></a:r>',
    "能量 mc^2": "<a:r><a:t>能量 </a:t></a:r><mc:AlternateContent xmlns:mc="
    '"http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="a14"><m:oMath xmlns:m='
    '"http://schemas.openxmlformats.org/officeDocument/2006/math"><m:r><m:t>m</m:t></m:r><m:sSup><m:e><m:r><m:t>c</m:t>'
    "</m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath></mc:Choice></mc:AlternateContent>",
}


@pytest.mark.parametrize("text", SLIDES)
def test_a_slide_keeps_breaks_formulas_and_high_digits(tmp_path: Path, parse: Parse, text: str) -> None:
    deck = pptx.Presentation()
    box = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_textbox(Pt(50), Pt(50), Pt(300), Pt(50))
    declared = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    old = box.text_frame.paragraphs[0]._p
    old.getparent().replace(old, parse_slide(f"<a:p {declared}>{SLIDES[text]}</a:p>"))
    deck.save(str(tmp_path / "a.pptx"))
    document = parse(tmp_path / "a.pptx").document
    assert document is not None and document.text == text
