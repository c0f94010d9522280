"""Pictures of text: PNG, JPEG, TIFF with its pages, WebP, BMP, GIF. Sizes are checked before a pixel is unpacked."""

import io
from dataclasses import dataclass, field

import numpy
from PIL import Image, ImageOps, ImageStat, UnidentifiedImageError

from liaoyuan.knowledge.parse.blocks import Block, PageInfo, ParsedDocument
from liaoyuan.knowledge.parse.errors import Corrupt, ImageTooLarge, NoSuchPage
from liaoyuan.knowledge.parse.layout import page_blocks, typography
from liaoyuan.knowledge.parse.ocr import LONGEST_SIDE
from liaoyuan.knowledge.parse.scan import read_scan
from liaoyuan.knowledge.parse.source import Source

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
_POINTS_PER_INCH = 72.0
_USUAL_DPI = (50.0, 1200.0)


@dataclass(slots=True)
class _Reading:
    """What the pictures gave so far."""

    pages: list[PageInfo] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    flags: set[str] = field(default_factory=lambda: {"ocr"})


def read_image(source: Source) -> ParsedDocument:
    """Each picture of the file is a page, as large as it is at its own resolution (96 dpi where it names none)."""
    reading = _Reading()
    try:
        with Image.open(io.BytesIO(source.data), formats=FORMATS) as picture:
            frames = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
            for number in range(min(frames, source.limits.pages)):
                if source.late():
                    reading.flags.add("time_limit")
                    break
                picture.seek(number)
                _read_picture(source, picture, number + 1, reading)
            if frames > source.limits.pages:
                reading.flags.add("page_limit")
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(name=source.name, detail="> 100 MP") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise Corrupt(name=source.name) from error
    title = next((block.text for block in reading.blocks[:3] if block.level == 1), source.stem)
    return ParsedDocument(title, "", reading.pages, reading.blocks, reading.flags)


def render_image(source: Source, page_number: int, scale: float) -> bytes:
    """One page of a picture file as PNG; ``page_number`` counts from 1, ``scale`` is pixels per point."""
    try:
        with Image.open(io.BytesIO(source.data), formats=FORMATS) as picture:
            if not 1 <= page_number <= getattr(picture, "n_frames", 1):
                raise NoSuchPage(name=source.name, detail=page_number)
            picture.seek(page_number - 1)
            _check_size(source, picture)
            factor = min(1.0, scale * _POINTS_PER_INCH / _dpi(picture))
            shown = _opaque(ImageOps.exif_transpose(picture))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise Corrupt(name=source.name) from error
    small = shown.resize((max(1, round(shown.width * factor)), max(1, round(shown.height * factor))))
    stream = io.BytesIO()
    small.save(stream, format="PNG", compress_level=3)
    return stream.getvalue()


def _read_picture(source: Source, picture: Image.Image, number: int, reading: _Reading) -> None:
    _check_size(source, picture)
    dpi = _dpi(picture)
    upright = _opaque(ImageOps.exif_transpose(picture))
    shrink = min(1.0, LONGEST_SIDE / max(upright.size))
    if shrink < 1.0:
        upright = upright.resize((max(1, round(upright.width * shrink)), max(1, round(upright.height * shrink))))
    scale = dpi * shrink / _POINTS_PER_INCH
    pixels = numpy.ascontiguousarray(numpy.asarray(upright)[:, :, ::-1])
    reading.pages.append(PageInfo(upright.width / scale, upright.height / scale, ocr=True))
    if source.limits.ocr == "never":
        return
    scan = read_scan(pixels, scale=scale, threads=source.limits.ocr_threads)
    found = page_blocks(scan.runs, number, typography([scan.runs]), ocr=True)
    reading.blocks.extend(scan.turn.placed(block) for block in found)


def _check_size(source: Source, picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > source.limits.pixels:
        raise ImageTooLarge(name=source.name, detail=f"{width} × {height}")


def _opaque(picture: Image.Image) -> Image.Image:
    """Transparent pictures get a background that their ink stands out from."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    alpha = layered.getchannel("A")
    ink = ImageStat.Stat(layered.convert("L"), mask=alpha.point(lambda value: 255 if value > 127 else 0))
    light = bool(ink.count[0]) and ink.mean[0] > 127
    background = Image.new("RGBA", layered.size, "black" if light else "white")
    return Image.alpha_composite(background, layered).convert("RGB")


def _dpi(picture: Image.Image) -> float:
    value = picture.info.get("dpi", (96.0, 96.0))[0]
    return float(value) if _USUAL_DPI[0] <= float(value) <= _USUAL_DPI[1] else 96.0
