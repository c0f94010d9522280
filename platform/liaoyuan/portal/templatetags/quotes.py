"""Quotes as templates show them."""

from collections.abc import Mapping
from typing import Any

from django import template

from liaoyuan.portal.quotes import Rows, rows_of

register = template.Library()


@register.filter
def rows(citation: Any) -> Rows | None:
    """The rows of a citation, kept (a mapping) or just made; None where it quotes prose."""
    if isinstance(citation, Mapping):
        return rows_of(str(citation.get("quote", "")), str(citation.get("header", "")))
    return rows_of(citation.quote, citation.header)
