"""Printed pages as a scanner, a copier or a telephone would give them back."""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy
import pypdfium2
from PIL import Image, ImageDraw, ImageFilter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from benchmarks.parse_unseen_truth import Case

Damage = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Scan:
    """How one printed document was scanned: ``suffix`` is pdf, jpg or tiff; ``first`` keeps only so many pages."""

    name: str
    of: str
    dpi: int
    damages: tuple[Damage, ...]
    suffix: str = "pdf"
    quality: int = 80
    first: int = 2


def turned(degrees: float) -> Damage:
    """Laid on the glass a little askew, or by a quarter or half turn."""
    return lambda picture: picture.rotate(
        degrees, expand=degrees % 90 == 0, fillcolor="white", resample=Image.Resampling.BICUBIC
    )


def grainy(amount: float) -> Damage:
    """Noise of the sensor, the same each time."""

    def apply(picture: Image.Image) -> Image.Image:
        noise = numpy.random.default_rng(7).normal(0, amount, (picture.height, picture.width, 1))
        return Image.fromarray(numpy.clip(numpy.asarray(picture) + noise, 0, 255).astype(numpy.uint8))

    return apply


def blurred(radius: float) -> Damage:
    """Out of focus."""
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(radius))


def pale(low: int) -> Damage:
    """A copy with little toner: black becomes grey."""
    return lambda picture: picture.point([low + value * (235 - low) // 255 for value in range(256)] * 3)


def sealed(picture: Image.Image) -> Image.Image:
    """A round red seal over the lower right third."""
    over = Image.new("RGBA", picture.size)
    draw, size = ImageDraw.Draw(over), picture.width // 5
    x, y = picture.width * 6 // 10, picture.height // 3
    draw.ellipse((x, y, x + size, y + size), outline=(205, 20, 30, 170), width=max(2, size // 24))
    points = [
        (x + size / 2 + radius * numpy.sin(step * numpy.pi / 5), y + size / 2 - radius * numpy.cos(step * numpy.pi / 5))
        for step in range(10)
        for radius in (size / 5 if step % 2 == 0 else size / 12,)
    ]
    draw.polygon(points, fill=(205, 20, 30, 150))
    return Image.alpha_composite(picture.convert("RGBA"), over).convert("RGB")


SCANS = (
    Scan("scan_clauses", "clauses", 150, (turned(1.2), grainy(14)), first=9),
    Scan("scan_columns", "two_columns", 200, (grainy(8),), quality=45, first=9),
    Scan("scan_paper", "paper", 170, (turned(-0.8), grainy(10)), first=9),
    Scan("scan_ruled", "merged", 150, (turned(0.9), grainy(10), sealed), first=9),
    Scan("scan_long_table", "long_table", 150, (grainy(10),), first=9),
    Scan("scan_form", "form", 140, (turned(-1.5), sealed), "jpg", first=9),
    Scan("scan_plain_table", "plain_table", 150, (grainy(8),), first=9),
    Scan("scan_booked", "booked", 150, (turned(0.7),), "jpg", 60, first=9),
    Scan("scan_lined", "lined", 130, (blurred(0.6), grainy(6)), first=9),
    Scan("scan_sideways", "striped", 150, (turned(90), grainy(6)), first=9),
    Scan("scan_upside_down", "side_by_side", 150, (turned(180), grainy(6)), first=9),
    Scan("scan_pale", "letter", 150, (pale(120), grainy(5)), first=9),
    Scan("scan_coarse", "raised", 100, (grainy(6),), "jpg", 60, first=9),
    Scan("scan_fax", "nested", 150, (lambda picture: picture.convert("1").convert("RGB"),), "tiff", first=9),
)


def scanned(scan: Scan, printed: Case, folder: Path) -> Case:
    """The file of one scan; its truth is cut to the pages that were scanned by what stands on them."""
    document = pypdfium2.PdfDocument(printed.path)
    count = min(scan.first, len(document))
    pictures = []
    for number in range(count):
        picture = document[number].render(scale=scan.dpi / 72).to_pil().convert("RGB")
        for damage in scan.damages:
            picture = damage(picture)
        pictures.append(picture)
    path = folder / f"{scan.name}.{scan.suffix}"
    if scan.suffix == "pdf":
        _bound(pictures, path, scan)
    else:
        options = (
            {"quality": scan.quality} if scan.suffix == "jpg" else {"save_all": True, "append_images": pictures[1:]}
        )
        pictures[0].save(path, dpi=(scan.dpi, scan.dpi), **options)
    document.close()
    return Case(scan.name, "scanned", printed.items, path, paged=True, notes={"whole": count == scan.first})


def _bound(pictures: Iterable[Image.Image], path: Path, scan: Scan) -> None:
    canvas = Canvas(str(path))
    for picture in pictures:
        stream = io.BytesIO()
        picture.save(stream, format="JPEG", quality=scan.quality)
        width, height = picture.width * 72 / scan.dpi, picture.height * 72 / scan.dpi
        canvas.setPageSize((width, height))
        canvas.drawImage(ImageReader(stream), 0, 0, width, height)
        canvas.showPage()
    canvas.save()


def mixed(printed: Case, picture: Case, folder: Path) -> Case:
    """A digital document with a scanned one bound behind it."""
    document = pypdfium2.PdfDocument.new()
    for case in (printed, picture):
        document.import_pages(pypdfium2.PdfDocument(case.path))
    path = folder / "mixed.pdf"
    document.save(path)
    return Case("mixed", "scanned", [*printed.items, *picture.items], path, paged=True)
