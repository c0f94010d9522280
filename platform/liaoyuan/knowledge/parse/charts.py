"""A chart in an Office file as the table behind it: its series over its categories, as the file keeps them."""

from lxml import etree

from liaoyuan.knowledge.parse.grid import Grid

_MOST_POINTS, _MOST_SERIES = 2000, 100


def chart_grid(root: etree._Element) -> Grid:
    """Rows of a ``c:chartSpace``: the header names the series, each row is a category; empty where it has no points."""
    header: list[str] = [""]
    rows: dict[int, list[str]] = {}
    for number, series in enumerate(root.iterfind(".//{*}ser")):
        if number >= _MOST_SERIES:
            break
        header.append(" ".join(node.text or "" for node in series.iterfind("{*}tx//{*}v")).strip())
        categories = _points(series, "cat") or _points(series, "xVal")
        values = _points(series, "val") or _points(series, "yVal")
        for index, value in values.items():
            row = rows.setdefault(index, [categories.get(index, str(index + 1))])
            row.extend([""] * (number + 1 - len(row)))
            row.append(value)
    if not rows:
        return []
    body = [row + [""] * (len(header) - len(row)) for _, row in sorted(rows.items())]
    return [header, *body]


def chart_title(root: etree._Element) -> str:
    """What stands over the chart: written there, or taken from a cell."""
    title = root.find("{*}chart/{*}title")
    if title is None:
        return ""
    written = [node.text or "" for node in title.iter("{*}t")] or [node.text or "" for node in title.iter("{*}v")]
    return " ".join("".join(written).split())


def _points(series: etree._Element, name: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for point in series.iterfind(f"{{*}}{name}//{{*}}pt"):
        index, value = point.get("idx", ""), point.find("{*}v")
        if index.isdigit() and int(index) < _MOST_POINTS and value is not None:
            found[int(index)] = _short((value.text or "").strip())
    return found


def _short(value: str) -> str:
    """Numbers are kept in binary and written out in full: 4.2999999999999998 is 4.3."""
    try:
        return f"{float(value):.12g}" if "." in value else value
    except ValueError:
        return value
