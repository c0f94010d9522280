"""Looking rows up: by id or not at all, narrowed by the filters that were sent, within the caller's groups."""

import hashlib
import json
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import LiaoyuanError, NotFound

Row = TypeVar("Row", bound=Model)


class PreconditionFailed(LiaoyuanError):
    code = "precondition_failed"
    zh = "它在您上次读取之后已被修改。请重新读取，再决定是否更改。"
    en = "It was changed since you read it. Read it again, then decide whether to change it."
    status = 412


def one(rows: QuerySet[Row], **by: Any) -> Row:
    """The one row. Raises NotFound for a missing and for a foreign one alike."""
    found = rows.filter(**by).first()
    if found is None:
        raise NotFound
    return found


def narrowed(rows: QuerySet[Row], **filters: Any) -> QuerySet[Row]:
    """``rows`` under those ``filters`` that were given; None means: not asked for."""
    return rows.filter(**{name: value for name, value in filters.items() if value is not None})


def within_groups(rows: QuerySet[Row], field: str = "groups") -> QuerySet[Row]:
    """Those whose inherited groups the caller has all of; owner and steward pass."""
    groups = current_tenant().groups
    return rows if groups is None else rows.filter(**{f"{field}__contained_by": list(groups)})


def etag(shown: BaseModel) -> str:
    """A tag of what is shown: two answers with the same tag say the same."""
    body = json.dumps(shown.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def tagged(response: HttpResponse, shown: BaseModel) -> None:
    """Put the tag on the answer."""
    response["ETag"] = etag(shown)


def match(request: HttpRequest, shown: BaseModel) -> None:
    """Refuse a change that was decided on an older state. ``shown`` comes from a locked row. Raises PreconditionFailed.

    Without If-Match the last one wins, as before.
    """
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    if etag(shown) not in {tag.strip() for tag in wanted.split(",")}:
        raise PreconditionFailed
