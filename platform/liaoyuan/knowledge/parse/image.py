"""PNG and JPEG pictures of text. The header's size is checked before a pixel is unpacked."""

import io

import numpy
from PIL import Image, ImageOps, ImageStat, UnidentifiedImageError

from liaoyuan.knowledge.parse.blocks import PageInfo, ParsedDocument
from liaoyuan.knowledge.parse.errors import Corrupt, ImageTooLarge
from liaoyuan.knowledge.parse.layout import page_blocks, typography
from liaoyuan.knowledge.parse.ocr import LONGEST_SIDE, recognise
from liaoyuan.knowledge.parse.source import Source

_POINTS_PER_INCH = 72.0
_USUAL_DPI = (50.0, 1200.0)


def read_image(source: Source) -> ParsedDocument:
    """One page as large as the picture at its own resolution (96 dpi where it names none)."""
    try:
        with Image.open(io.BytesIO(source.data), formats=("PNG", "JPEG")) as picture:
            width, height = picture.size
            if width * height > source.limits.pixels:
                raise ImageTooLarge(name=source.name, detail=f"{width} × {height}")
            dpi = _dpi(picture)
            upright = _opaque(ImageOps.exif_transpose(picture))
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(name=source.name, detail="> 100 MP") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Corrupt(name=source.name) from error
    shrink = min(1.0, LONGEST_SIDE / max(upright.size))
    if shrink < 1.0:
        upright = upright.resize((max(1, round(upright.width * shrink)), max(1, round(upright.height * shrink))))
    scale = dpi * shrink / _POINTS_PER_INCH
    pixels = numpy.ascontiguousarray(numpy.asarray(upright)[:, :, ::-1])
    runs = recognise(pixels, scale=scale, threads=source.limits.ocr_threads)
    blocks = page_blocks(runs, 1, typography([runs]), ocr=True)
    page = PageInfo(upright.width / scale, upright.height / scale, ocr=True)
    title = next((block.text for block in blocks[:3] if block.level == 1), source.stem)
    return ParsedDocument(title, "", [page], blocks, {"ocr"})


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
