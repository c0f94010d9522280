"""Chunks over the API: changed with If-Match, with history, by whom the policy lets."""

from collections.abc import Callable
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import DocumentVersion
from tests.integration.api.conftest import Server
from tests.integration.knowledge.conftest import WASTE, Import, bring, engine

__all__ = ["bring", "engine"]


@pytest.fixture
def document(organization: Any, bring: Import, engine: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    from liaoyuan.knowledge import preview
    from liaoyuan.knowledge.services import editing

    for module in (editing, preview):
        monkeypatch.setattr(module, "embedder_for", lambda _name: engine)
    bring({"医疗废物管理办法.md": WASTE})
    with tenant_context(organization.id):
        return str(DocumentVersion.objects.get().document_id)


def test_a_chunk_is_changed_split_added_and_restored_with_history(
    server: Server, owner: Any, viewer: Any, key_of: Callable[..., str], document: str
) -> None:
    with server.client() as http:
        mine = {"Authorization": f"Bearer {key_of(owner)}"}
        listed = http.get(f"/api/v1/documents/{document}/chunks", headers=mine).json()["items"]
        chunk = next(each for each in listed if "2天" in each["text"])
        address = f"/api/v1/chunks/{chunk['id']}"
        shown = http.get(address, headers=mine)
        first = {**mine, "If-Match": shown.headers["ETag"]}
        text = chunk["text"] + "冷藏保存。"
        changed = http.patch(address, headers=first, json={"text": text})
        assert (changed.status_code, changed.json()["origin"]) == (200, "edited")
        assert changed.json()["edited_by"] and changed.json()["parsed"] == [chunk["text"]]
        late = http.patch(address, headers=first, json={"text": "太晚。"})
        assert (late.status_code, late.json()["code"]) == (412, "chunk_changed")
        pieces = http.post(f"{address}/split", headers=mine, json={"position": text.index("冷藏")}).json()["chunks"]
        assert [each["text"] for each in pieces] == [chunk["text"], "冷藏保存。"]
        added = http.post(f"{address}/add", headers=mine, json={"text": "值班电话 8801。"})
        assert (added.status_code, added.json()["literal"]) == (201, [])
        order = [
            each["text"] for each in http.get(f"/api/v1/documents/{document}/chunks", headers=mine).json()["items"]
        ]
        assert order.index("值班电话 8801。") == order.index(chunk["text"]) + 1
        assert http.delete(f"/api/v1/chunks/{added.json()['id']}", headers=mine).status_code == 200
        restored = http.post(f"{address}/restore", headers=mine).json()["chunks"]
        assert [each["text"] for each in restored] == [chunk["text"]]
        history = http.get(f"{address}/history", headers=mine).json()["items"]
        assert [each["action"] for each in history] == ["restore", "remove", "add", "split", "edit"]
        theirs = {"Authorization": f"Bearer {key_of(viewer)}"}
        assert http.patch(address, headers=theirs, json={"enabled": False}).status_code == 403
        previewed = http.get(f"/api/v1/documents/{document}/chunks/preview?target=40&limit=64&first=2", headers=mine)
        assert previewed.json()["then"]["longest"] <= 64 and len(previewed.json()["chunks"]) == 2
