"""What templates and components need beyond Django's own tags; a builtin library, so that nobody loads it."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from liaoyuan.portal.shell import components, times
from liaoyuan.portal.shell.charts import Table, table_of

register = template.Library()
register.tag("cotton", components.component)

# What a widget calls itself → the class that draws it.
CONTROLS: Final = {
    "select": "select",
    "textarea": "textarea",
    "checkbox": "checkbox",
    "radio": "radio",
    "file": "file-input",
    "range": "range",
}
# Places as the parser writes them, in the words of a Chinese reader; everything else is the document's own.
PLACES: Final = (
    (re.compile(r"^rows (\d+)-(\d+)$"), r"第 \1–\2 行"),
    (re.compile(r"^slide (\d+) notes$"), r"第 \1 张幻灯片备注"),
    (re.compile(r"^slide (\d+)$"), r"第 \1 张幻灯片"),
    (re.compile(r"^Subject$"), "主题"),
    (re.compile(r"^headers$"), "邮件头"),
    (re.compile(r"^attachment$"), "附件"),
)
GROUPS: Final = (RadioSelect, CheckboxSelectMultiple)


@register.filter
def place(locator: object) -> str:
    """A locator in the reader's language: ``rows 1-30`` is 第 1–30 行."""
    text = str(locator or "")
    if not (get_language() or "").startswith("zh"):
        return text
    return next((pattern.sub(words, text) for pattern, words in PLACES if pattern.match(text)), text)


@register.filter
def standing(evidence: object) -> str:
    """A place of a test question, ``document#locator``, as people write it: 手卫生规范 · 第 1–30 行."""
    document, _mark, locator = str(evidence or "").partition("#")
    return f"{document} · {place(locator)}" if locator else document


@register.filter
def attributes(attrs: Mapping[str, Any]) -> SafeString:
    """The attributes that a component was given and did not name itself, each value escaped.

    True is a bare name, False and None are left out. (The components' library prints values as they are: a value in
    quotes of its own would end its attribute.)
    """
    return mark_safe("".join(_attribute(name, value) for name, value in _printed(attrs) if value not in (False, None)))  # noqa: S308


def _printed(attrs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Without those that the component declared as its own variables."""
    own: Any = getattr(attrs, "attrs_dict", None)
    return list((own() if own else attrs).items())


def _attribute(name: str, value: Any) -> str:
    if value is True:
        return format_html(" {}", name)
    return format_html(' {}="{}"', name, conditional_escape(value))


@register.filter
def control(field: BoundField) -> SafeString:
    """The form field's widget with the class of our controls; described by its help and its error."""
    widget = field.field.widget
    if is_group(field):
        return field.as_widget()
    kind = widget.template_name.rsplit("/", 1)[-1].removesuffix(".html")
    name = CONTROLS.get(kind, CONTROLS.get(getattr(widget, "input_type", ""), "input"))
    given = widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{name} {given}".strip()})


@register.filter
def is_tick(field: BoundField) -> bool:
    """One check box: its label stands behind it."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def is_group(field: BoundField) -> bool:
    """Several boxes or buttons under one legend."""
    return isinstance(field.field.widget, GROUPS)


@register.filter
def moment(at: Any, style: str = "short") -> str:
    """A time in the viewer's zone: ``short`` 11-22 12:03, ``long`` with year and seconds, ``relative`` 3 min ago."""
    return times.written(at, style, now=timezone.now()) if at else ""


@register.simple_tag
def instant(at: datetime, style: str, attrs: Mapping[str, Any]) -> SafeString:
    """``<time>`` in the viewer's zone: the reader's form inside, the whole one as its title."""
    here = timezone.localtime(at) if timezone.is_aware(at) else at
    now = timezone.now()
    kind = {"relative": " data-relative", "until": ' data-relative="until"'}.get(style, "")
    whole = times.written(here, "long", now=now)
    shown = whole if style == "long" else escape(times.written(here, style, now=now))
    return mark_safe(  # noqa: S308 - digits and our own words
        f'<time datetime="{here.isoformat()}" title="{whole}"{kind}{attributes(attrs)}>{shown}</time>'
    )


@register.simple_tag
def page_link(base: str, number: int) -> str:
    """``base`` (a path or a query that begins with ``?``) with ``page=number`` behind it."""
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}page={number}"


@register.filter
def chart_table(option: Mapping[str, Any]) -> Table:
    """The numbers of a chart as a table."""
    return table_of(option)


@register.filter
def as_json(value: Any) -> SafeString:
    """JSON that may stand inside a ``<script type="application/json">``."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return mark_safe(text.translate({ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}))  # noqa: S308


class WithinNode(template.Node):
    child_nodelists = ("nodelist",)

    def __init__(self, nodelist: template.NodeList, element: str, classes: str) -> None:
        self.nodelist = nodelist
        self.element = element
        self.classes = classes

    def render(self, context: template.Context) -> SafeString:
        inner = mark_safe(self.nodelist.render(context).strip())  # noqa: S308 - a template's own output, escaped there
        if not inner or (self.element != "div" and f"<{self.element}" in inner):
            return inner
        classes = format_html(' class="{}"', self.classes) if self.classes else ""
        return format_html("<{}{}>{}</{}>", self.element, classes, inner, self.element)


@register.tag
def within(parser: template.base.Parser, token: template.base.Token) -> WithinNode:
    """``{% within "h1" "big" %}…{% endwithin %}``: nothing when empty, else inside that element, unless it has one."""
    _, element, *classes = token.split_contents()
    nodelist = parser.parse(("endwithin",))
    parser.delete_first_token()
    return WithinNode(nodelist, element.strip('"'), " ".join(each.strip('"') for each in classes))
