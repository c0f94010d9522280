"""Scans are set straight before they are read, their ruling lines make tables, and boxes stand where the page shows."""

import math
from pathlib import Path

import numpy
import pytest
from PIL import Image, ImageDraw

from liaoyuan.knowledge.parse.blocks import BlockType
from liaoyuan.knowledge.parse.layout import page_blocks, typography
from liaoyuan.knowledge.parse.ocr import line_run
from liaoyuan.knowledge.parse.scan import Turn, _lies_on_side, _skew, ruling_lines
from tests.unit.knowledge_parse.conftest import Parse
from tests.unit.knowledge_parse.test_formats import assert_recognised, picture_of_text, ready
from tests.unit.knowledge_parse.test_layouts import prose, run


def corners(x: float, y: float, width: float, height: float, angle: float = 0.0) -> numpy.ndarray:
    """The corners of a line that begins at ``x``, ``y`` and runs down by ``angle``."""
    along = numpy.array([math.cos(angle), math.sin(angle)])
    down = numpy.array([-math.sin(angle), math.cos(angle)])
    start = numpy.array([x, y])
    return numpy.array([start, start + width * along, start + width * along + height * down, start + height * down])


def test_the_slant_is_that_of_the_long_lines() -> None:
    slanted = [corners(50, 50 + 30 * number, 600, 20, 0.02) for number in range(6)]
    assert _skew([*slanted, corners(0, 0, 30, 20, -0.3)]) == pytest.approx(0.02)
    assert _skew([corners(50, 50 + 30 * number, 600, 20) for number in range(6)]) == 0.0
    assert _skew(slanted[:2]) == 0.0


def test_a_page_on_its_side_has_words_in_tall_boxes() -> None:
    tall = [("several words", corners(50 * number, 20, 20, 300)) for number in range(4)]
    assert _lies_on_side(tall)
    assert not _lies_on_side([("several words", corners(20, 50 * number, 300, 20)) for number in range(4)])


@pytest.mark.parametrize(("quarters", "box"), [(0, (10, 20, 40, 30)), (2, (560, 770, 590, 780))])
def test_a_box_of_the_straight_page_finds_its_place(quarters: int, box: tuple[float, ...]) -> None:
    assert Turn(quarters, 0.0, 600, 800).back((10, 20, 40, 30)) == pytest.approx(box)


def test_a_quarter_turn_is_undone() -> None:
    # Turned against the clock, the upper right corner of the page as shown comes to the upper left.
    assert Turn(1, 0.0, 600, 800).back((0, 0, 30, 10)) == pytest.approx((590, 0, 600, 30))


def test_ruling_lines_are_found_in_grain_and_slant_and_letters_are_none() -> None:
    picture = Image.new("RGB", (1200, 900), "white")
    draw = ImageDraw.Draw(picture)
    for y in (200, 300, 400):
        draw.line((150, y, 1050, y), fill="black", width=2)
    for x in (150, 600, 1050):
        draw.line((x, 200, x, 400), fill="black", width=2)
    draw.text((200, 230), "l I - plain words", fill="black", font_size=24)
    noise = numpy.random.default_rng(3).normal(0, 12, (900, 1200, 1))
    turned = picture.rotate(-1.0, fillcolor="white", resample=Image.Resampling.BICUBIC)
    pixels = numpy.clip(numpy.asarray(turned) + noise, 0, 255).astype(numpy.uint8)
    rules = ruling_lines(pixels, math.radians(1.0), 2.0)
    level = sorted(rule.at for rule in rules if not rule.vertical)
    upright = sorted(rule.at for rule in rules if rule.vertical)
    assert level == pytest.approx([100, 150, 200], abs=1.5)
    assert upright == pytest.approx([75, 300, 525], abs=1.5)


def test_words_of_a_recognised_line_keep_their_places() -> None:
    words = [("R1", corners(20, 10, 20, 20)), ("绝", corners(100, 10, 20, 20)), ("缘", corners(120, 10, 20, 20))]
    line = line_run("R1 绝缘", corners(20, 10, 120, 20), words, 2.0)
    assert [(sign, x0) for sign, x0, _ in line.chars] == [("R", 10.0), ("1", 15.0), ("绝", 50.0), ("缘", 60.0)]


def test_a_numbered_title_of_a_scan_is_a_heading_at_its_level() -> None:
    runs = [
        run("3.2 试验方法", 50, 80, size=13),
        *prose(50, 110, 5),
        run("Results", 50, 220, size=13),
        *prose(50, 250, 5),
    ]
    blocks = page_blocks(runs, 2, typography([runs]), ocr=True)
    levels = [(block.text, block.level) for block in blocks if block.type is BlockType.HEADING]
    assert levels == [("3.2 试验方法", 3), ("Results", 2)]


@pytest.mark.parametrize("quarters", [1, 2])
def test_a_page_scanned_on_its_side_or_its_head_is_read_upright(tmp_path: Path, parse: Parse, quarters: int) -> None:
    picture = Image.new("RGB", (900, 600), "white")
    picture.paste(picture_of_text(), (0, 0))
    ImageDraw.Draw(picture).text((40, 300), "Report the end of the work", fill="black", font_size=40)
    turned = picture.rotate(90 * quarters, expand=True)
    turned.save(tmp_path / "scan.png", dpi=(144, 144))
    document = ready(parse(tmp_path / "scan.png"))
    assert_recognised(document)
    assert document.pages[0].width == pytest.approx(turned.width / 2, abs=0.1)
    box = document.blocks[0].lines[0].box
    # What was the upper left is the lower left after a quarter against the clock, the lower right after a half turn.
    middle = (box[0] + box[2]) / 2 / document.pages[0].width, (box[1] + box[3]) / 2 / document.pages[0].height
    expected = {1: (0.1, 0.65), 2: (0.65, 0.9)}[quarters]
    assert middle == pytest.approx(expected, abs=0.15)
