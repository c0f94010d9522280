"""How items become pages of HTML, and pages become PDF files: a browser prints them."""

import html
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pypdfium2

from benchmarks.parse_unseen_truth import Case, Item

CHROMIUM = Path("/usr/bin/chromium")
_SANS = "'Noto Sans CJK SC','WenQuanYi Micro Hei',sans-serif"
_SERIF = "'Noto Serif CJK SC','Noto Sans CJK SC','WenQuanYi Micro Hei',serif"
_STYLE = f"""
body {{ font: 10.5pt/1.6 {_SERIF}; margin: 0; color: #111 }}
h1 {{ font-size: 18pt }} h2 {{ font-size: 14pt }} h3 {{ font-size: 12pt }} h1,h2,h3,th {{ font-family: {_SANS} }}
p {{ margin: 0 0 6pt }} table {{ border-collapse: collapse; margin: 8pt 0; font-size: 9.5pt; width: 100% }}
td,th {{ padding: 2pt 5pt; vertical-align: top; text-align: left }} th {{ font-weight: bold }}
.ruled td,.ruled th {{ border: 0.7pt solid #333 }}
.booked {{ border-top: 1.2pt solid #000; border-bottom: 1.2pt solid #000 }}
.booked thead {{ border-bottom: .7pt solid #000 }}
.lines tr {{ border-bottom: .5pt solid #999 }}
.striped tbody tr:nth-child(odd) td {{ background: #e8edf3 }} .striped th {{ background: #1d3557; color: #fff }}
.figures td:not(:first-child),.figures th:not(:first-child) {{ text-align: right }}
.narrow {{ width: 62% }} .middle td,.middle th {{ text-align: center; vertical-align: middle }}
.two {{ column-count: 2; column-gap: 22pt }} .three {{ column-count: 3; column-gap: 16pt; font-size: 9pt }}
.just p {{ text-align: justify }} .indent p {{ text-indent: 2em }} .across {{ column-span: all }}
.note {{ font-size: 8.5pt }} .foot {{ border-top: .5pt solid #000; margin-top: 14pt; padding-top: 3pt }}
.picture {{ width: 100%; height: 110pt; display: block; margin: 6pt 0 }} .center {{ text-align: center }}
.box {{ background: #17324d; color: #fff; padding: 6pt 10pt; margin: 8pt 0 }}
.toc {{ display: flex }} .toc i {{ flex: 1; border: 0; overflow: hidden; white-space: nowrap; font-style: normal }}
.mark {{ position: fixed; top: 45%; left: 15%; font-size: 60pt; color: rgba(200,0,0,.14); transform: rotate(-35deg) }}
.upright {{ writing-mode: vertical-rl }} .wide {{ page: wide }} @page wide {{ size: A4 landscape }}
.pairs td:nth-child(odd) {{ background: #f2f2f2; white-space: nowrap }}
"""
SKETCH = (
    "<svg class=picture viewBox='0 0 300 110'>"
    "<image width=300 height=110 preserveAspectRatio=none href='data:image/png;base64,{data}'/></svg>"
)


def markup(item: Item) -> str:
    """The HTML of one item."""
    if item.markup:
        return item.markup
    words = html.escape(item.text)
    if item.kind == "h":
        return f"<h{item.depth} class='{item.look}'>{words}</h{item.depth}>"
    if item.kind == "li":
        mark = "none" if item.text[:1].isdigit() else "disc"
        return (
            f"<ul style='margin:0;list-style:{mark}'><li style='margin-left:{item.depth * 18 - 18}pt'>{words}</li></ul>"
        )
    if item.kind == "table":
        rows = [
            "<tr>"
            + "".join(
                f"<{tag} colspan={cell.across} rowspan={cell.down}>{html.escape(cell.text)}</{tag}>" for cell in row
            )
            + "</tr>"
            for tag, row in ((("th" if number < item.head else "td"), row) for number, row in enumerate(item.rows))
        ]
        head, body = "".join(rows[: item.head]), "".join(rows[item.head :])
        return f"<table class='{item.look}'><thead>{head}</thead><tbody>{body}</tbody></table>"
    return f"<p class='{item.look}'>{words}</p>"


def page(items: Iterable[Item], *, look: str = "", before: str = "", after: str = "") -> str:
    """A page of HTML; ``before`` and ``after`` is markup that no item stands for."""
    body = "".join(map(markup, items))
    return f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style>{before}<div class='{look}'>{body}</div>{after}"


def h(depth: int, text: str, look: str = "") -> Item:
    """A heading."""
    return Item("h", text, depth, look=look)


def p(text: str, look: str = "", shown: str = "") -> Item:
    """A paragraph; ``shown`` is its own markup."""
    return Item("p", text, look=look, markup=shown)


def li(text: str, depth: int = 1) -> Item:
    """An item of a list."""
    return Item("li", text, depth)


def raw(shown: str) -> Item:
    """Markup without words of its own."""
    return Item("none", markup=shown)


Made = tuple[list[Item], dict[str, Any]]


def printed(browser: Any, folder: Path, pages: Mapping[str, Callable[[], Made]]) -> list[Case]:
    """The pages as PDF files."""
    tab = browser.new_page()
    cases = []
    for name, make in pages.items():
        items, told = make()
        path = folder / f"{name}.pdf"
        shown = page(items, look=told.get("look", ""), before=told.get("before", ""), after=told.get("after", ""))
        tab.set_content(shown.replace("{data}", _noise()))
        tab.pdf(path=str(path), format="A4", print_background=True, **_margins(told), prefer_css_page_size=True)
        if name == "on_side":
            path = turned_sheet(path)
        cases.append(Case(name, "printed", [item for item in items if item.kind != "none"], path, paged=True))
    tab.close()
    return cases


def turned_sheet(path: Path) -> Path:
    """The file with its pages marked as turned by a quarter."""
    document = pypdfium2.PdfDocument(path)
    for sheet in document:
        sheet.set_rotation(90)
    marked = path.with_name(f"{path.stem}_marked.pdf")
    document.save(marked)
    return marked


def _margins(told: dict[str, Any]) -> dict[str, Any]:
    side = told.get("margin", "72px")
    words = "<div style='font-size:8pt;width:100%;text-align:center'>{}</div>"
    foot = told.get("foot", "").replace("{pages}", "<span class=totalPages></span>")
    foot = foot.replace("{page}", "<span class=pageNumber></span>")
    return {
        "margin": {"top": side, "bottom": side, "left": side, "right": side},
        "display_header_footer": bool(foot or told.get("head")),
        "header_template": words.format(told.get("head", "")),
        "footer_template": words.format(foot),
    }


def _noise() -> str:
    """A small picture that is no single colour, as base64."""
    import base64
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(stream, format="PNG")
    return base64.b64encode(stream.getvalue()).decode()
