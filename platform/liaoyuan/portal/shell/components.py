"""The components' tag, with a memory for the small ones that a page shows by the dozen.

An icon or a badge is made of nothing but the attributes and the slot that it was given: it looks at no request, no
reader and no language. Such a piece is drawn once by its template and kept under all that went into it, so that what
is kept for one organization is to the byte what another would get.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.template import Context, NodeList
from django.template.base import Parser, Token
from django.templatetags.static import static
from django_cotton.templatetags import Attrs, UnprocessableDynamicAttr
from django_cotton.templatetags._component import AttrKind, CottonComponentNode, cotton_component
from django_cotton.templatetags._slot import CottonSlotNode
from django_cotton.utils import get_cotton_data

# Of few kinds, whatever the page is about.
KEPT: Final = frozenset({"icon", "badge"})
# Kept as well where the template itself spells out every attribute: an address or a name makes each one different.
KEPT_AS_WRITTEN: Final = frozenset({"button"})
MOST_KEPT: Final = 4096
LONGEST_KEPT: Final = 400
# All of them may show an icon: what was drawn with an older sprite is not found any more.
SPRITE: Final = "icons.svg"

_drawn: Final[dict[tuple[Any, ...], str]] = {}


class KeptComponent(CottonComponentNode):  # type: ignore[misc]
    """A component that is drawn again only when something about it is new."""

    def render(self, context: Context) -> str:
        given = self._given(context)
        if given is None:
            return str(super().render(context))
        data: dict[str, Any] = {"key": self.component_name, "attrs": Attrs(given), "slots": {}}
        stack = get_cotton_data(context)["stack"]
        stack.append(data)
        try:
            return self._kept(context, data["attrs"], self.nodelist.render(context))
        finally:
            stack.pop()

    def _kept(self, context: Context, attrs: Attrs, slot: str) -> str:
        template = self._get_cached_template(context, attrs)
        # A marked string equals an unmarked one and is written differently: the kind belongs to the key.
        parts = tuple((name, type(value), value) for name, value in attrs.items())
        key = (template, static(SPRITE), slot, parts)
        drawn = _drawn.get(key)
        if drawn is None:
            drawn = self._draw(context, template, attrs, slot)
            _keep(key, drawn, size=len(slot) + sum(len(str(value)) for _, _, value in parts))
        return drawn

    def _draw(self, context: Context, template: Any, attrs: Attrs, slot: str) -> str:
        own = self._extract_vars_from_template(template, context, attrs, {})
        state = {**own, **attrs.make_attrs_accessible(), "attrs": attrs, "slot": slot}
        state["cotton_data"] = get_cotton_data(context)
        drawn: str = template.render(self._create_partial_context(context, state))
        return drawn

    def _given(self, context: Context) -> dict[str, Any] | None:
        """The attributes by name; None where one is no plain text, number or switch."""
        found: dict[str, Any] = {}
        for attr in self._prepared_attrs:
            try:
                found[attr.key] = _value(attr, context)
            except UnprocessableDynamicAttr:
                return None
        plain = all(isinstance(value, str | int | float) for value in found.values())
        return found if plain and "attrs" not in found else None


def _value(attr: Any, context: Context) -> Any:
    if attr.kind in (AttrKind.DYNAMIC, AttrKind.UNQUOTED):
        return attr.compiled.resolve(context)
    return attr.compiled.render(context) if attr.compiled else attr.value


def _keep(key: tuple[Any, ...], drawn: str, *, size: int) -> None:
    if size > LONGEST_KEPT:
        return
    if len(_drawn) >= MOST_KEPT:
        _drawn.clear()
    _drawn[key] = drawn


def component(parser: Parser, token: Token) -> CottonComponentNode:
    """``{% cotton name … %}``, which the loader makes of ``<c-name …>``."""
    node = cotton_component(parser, token)
    if _worth_keeping(node.component_name, node.attrs, node.nodelist):
        # The same node, with one more habit: it was parsed already.
        node.__class__ = KeptComponent
    return node


def _worth_keeping(name: str, attrs: Mapping[str, Any], nodelist: NodeList) -> bool:
    if name in KEPT_AS_WRITTEN:
        written = all(not key.startswith(":") and "{" not in str(value) for key, value in attrs.items())
    else:
        written = name in KEPT
    return written and not nodelist.get_nodes_by_type(CottonSlotNode)
