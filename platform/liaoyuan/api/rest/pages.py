"""Lists come in pages. A cursor says after which row the next page begins, so new rows neither repeat nor hide any."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from ninja import Schema
from pydantic import Field

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.api.rest.door import ApiRequest
from liaoyuan.errors import LiaoyuanError

Row = TypeVar("Row", bound=Model)
Out = TypeVar("Out")
Item = TypeVar("Item")
MOST: Final = 200


class CursorInvalid(LiaoyuanError):
    code = "cursor_invalid"
    zh = "游标无效，或属于另一个列表、另一组筛选条件或排序。请从第一页重新开始。"
    en = "The cursor is not valid, or belongs to another list, other filters or another order. Begin at the first page."
    status = 422


class PageQuery(Schema):
    """What every list takes. A list's own class adds its filters and the orders that it knows as ``sort``."""

    cursor: Annotated[str, Field(max_length=600, description="`next` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=MOST, description="rows a page")] = 50


class Page(Schema, Generic[Out]):
    """One page of a list. ``next`` is the cursor of the next one, null at the end; the Link header has its address."""

    items: list[Out]
    next: Annotated[str | None, Field(examples=[None])] = None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__.removesuffix('Out')}Page"


def page(
    request: ApiRequest,
    response: HttpResponse,
    query: PageQuery,
    rows: QuerySet[Row],
    present: Callable[[Row], Out],
    *,
    sort: str,
    many: Callable[[list[Row]], Iterable[Out]] | None = None,
) -> Page[Out]:
    """One page of ``rows`` in the order ``sort`` (a column without nulls, ``-`` for descending; ties by id).

    ``many`` presents all rows of the page at once, where one at a time would ask the database for each.
    """
    field, descending = sort.removeprefix("-"), sort.startswith("-")
    seal = _Seal(request, query, sort)
    if query.cursor:
        value, identifier = seal.open(query.cursor)
        rows = rows.filter(_behind(field, value, identifier, descending=descending))
    order = (field, "pk") if not descending else (f"-{field}", "-pk")
    found = list(rows.order_by(*order)[: query.limit + 1])
    shown = found[: query.limit]
    cursor = seal.close(_value(shown[-1], field), shown[-1].pk) if len(found) > query.limit else None
    if cursor:
        wanted = {name: value for name, value in request.GET.lists() if name != "cursor"}
        address = f"{request.path}?{urlencode(wanted | {'cursor': [cursor]}, doseq=True)}"
        response["Link"] = f'<{address}>; rel="next"'
    return Page(items=list(many(shown)) if many else [present(row) for row in shown], next=cursor)


def slice_of(request: ApiRequest, query: Any, items: Sequence[Item]) -> tuple[list[Item], str | None]:
    """One page of rows that never change (the lines of a file), and the cursor of the next. ``query`` has both fields.

    Raises CursorInvalid.
    """
    seal = _Seal(request, query, "number")
    start = int(seal.open(query.cursor)[0]) if query.cursor else 0
    end = start + query.limit
    return list(items[start:end]), seal.close(end, end) if end < len(items) else None


def _behind(field: str, value: Any, identifier: Any, *, descending: bool) -> Q:
    """Strictly after (value, id). The first condition is what an index can use."""
    word = "lt" if descending else "gt"
    beyond = Q(**{f"{field}__{word}": value}) | Q(**{f"pk__{word}": identifier})
    return Q(**{f"{field}__{word}e": value}) & beyond


def _value(row: Model, field: str) -> Any:
    found: Any = row
    for part in field.split("__"):
        found = getattr(found, part)
    return found


class _Seal:
    """Signs a cursor for one list of one organization under one set of filters; nobody can point it elsewhere."""

    def __init__(self, request: ApiRequest, query: Schema, sort: str) -> None:
        filters = query.model_dump(mode="json", exclude={"cursor", "limit"}) | {"sort": sort}
        asked = json.dumps([request.path, filters], sort_keys=True, ensure_ascii=False)
        about = hashlib.sha256(asked.encode()).hexdigest()
        self._signer = Signer(salt=f"cursor:{current_tenant().organization_id}:{about}")

    def close(self, value: Any, identifier: Any) -> str:
        """The cursor that points behind the row (value, id)."""
        kind = next(name for name, known in _KINDS.items() if isinstance(value, known))
        plain = value if kind in {"int", "str"} else str(value.isoformat())
        key = identifier if isinstance(identifier, int) else str(identifier)
        body = base64.urlsafe_b64encode(json.dumps([kind, plain, key], ensure_ascii=False).encode()).decode()
        return self._signer.sign(body)

    def open(self, cursor: str) -> tuple[Any, Any]:
        """Value and id of the row to begin behind. Raises CursorInvalid."""
        try:
            kind, plain, key = json.loads(base64.urlsafe_b64decode(self._signer.unsign(cursor)))
        except (BadSignature, ValueError) as error:
            raise CursorInvalid from error
        read: dict[str, Callable[[Any], Any]] = {
            "time": datetime.fromisoformat,
            "date": date.fromisoformat,
            "int": int,
            "str": str,
        }
        return read[kind](plain), key if isinstance(key, int) else UUID(key)


# A datetime is a date too, so it comes first.
_KINDS: Final[dict[str, type[Any]]] = {"time": datetime, "date": date, "int": int, "str": str}
