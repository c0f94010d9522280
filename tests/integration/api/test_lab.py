"""The lab and the search for programs: every step in JSON, and never more than the caller may read."""

import uuid
from collections.abc import Callable
from typing import Any

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.services import documents_import
from tests.integration.api.conftest import Server
from tests.integration.deployment.conftest import embeddings
from tests.integration.knowledge.conftest import NURSING, WASTE, engine

__all__ = ["embeddings", "engine"]
QUESTION = "医疗废物暂时贮存的时间不得超过多少天？"


def test_a_program_takes_a_question_apart_within_its_rights(
    server: Server,
    organization: Any,
    owner: Any,
    key_of: Callable[..., str],
    engine: Any,
    embeddings: Any,
    tmp_path: Any,
) -> None:
    for name, text, groups in (("废物.md", WASTE, ["后勤"]), ("护理.md", NURSING, None)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        documents_import(
            organization_id=organization.id, collection="制度", paths=[tmp_path / name], groups=groups, engine=engine
        )
    with tenant_context(organization.id):
        collection = Collection.objects.get(name="制度")
    with server.client(key_of(owner)) as http:
        place = f"/api/v1/collections/{collection.id}/lab"
        found = http.post(place, json={"query": QUESTION, "reranker": "none"})
        assert found.status_code == 200
        body = found.json()
        assert body["reranker"] == "none" and "不得超过2天" in body["rows"][0]["text"]
        assert body["rows"][0]["vector_rank"] and body["timings"]["total"] > 0
        narrowed = http.post(place, json={"query": QUESTION, "groups": []})
        assert "不得超过2天" not in narrowed.text
        document = body["rows"][0]["document_id"]
        only = http.post(
            "/v1/retrieve", json={"query": QUESTION, "collection": str(collection.id), "documents": [document]}
        )
        assert {hit["document_id"] for hit in only.json()["data"]} == {document}
        none = {"query": QUESTION, "collection": str(collection.id), "least_score": 1e6}
        assert http.post("/v1/retrieve", json=none).json()["data"] == []
        assert http.post(f"/api/v1/collections/{uuid.uuid4()}/lab", json={"query": QUESTION}).status_code == 404
        assert http.post(place, json={"query": QUESTION, "reranker": "nobody"}).status_code == 422
