"""One contract for every reranker; the cross-encoder is a real HTTP server on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.rank import FEATURES, Candidate, Statistics
from liaoyuan.knowledge.rerank_endpoint import RerankEndpoint
from liaoyuan.knowledge.rerankers import RerankerDown, RerankerUnknown, rerank, reranker_names
from liaoyuan.knowledge.settings import RetrievalSettings

QUESTION = analyse("医疗废物暂时贮存最多多少天？")
CANDIDATES = [
    Candidate("a", "护理制度", "第一章", "第一条 值班护士应当在交班前30分钟完成护理记录。", 0.82, 0.0),
    Candidate("b", "医疗废物管理办法", "第二章 贮存", "第三条 医疗废物暂时贮存的时间不得超过2天。", 0.91, 9.0),
    Candidate("c", "医疗废物管理办法", "第一章", "第二条 医疗废物由指定的单位集中处置。", 0.88, 4.0),
]
STATISTICS = Statistics(3, {"医疗": 2, "废物": 2, "贮存": 1, "暂时": 1}, 12.0)


class _Handler(BaseHTTPRequestHandler):
    """Scores a passage by the share of the query's letters that it holds, in either service's words."""

    server: Any

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), asked))
        if self.server.broken:
            self.send_response(500)
            self.end_headers()
            return
        texts = asked.get("texts") or asked["documents"]
        letters = set(asked["query"])
        scores = [len(letters & set(text)) / len(letters) for text in texts]
        order = sorted(range(len(texts)), key=lambda place: -scores[place])
        if "texts" in asked:
            body: Any = [{"index": place, "score": scores[place]} for place in order]
        else:
            body = {"results": [{"index": place, "relevance_score": scores[place]} for place in order]}
        data = json.dumps(body[:-1] if self.server.short and isinstance(body, list) else body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server(settings: Any) -> Iterator[Any]:
    running: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    running.asked, running.broken, running.short = [], False, False
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{running.server_port}"
    settings.RERANKERS = (
        RerankEndpoint(name="tei", url=url, batch=2, key="k-1"),
        RerankEndpoint(name="jina", url=f"{url}/v1/rerank", style="cohere", model="m"),
    )
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.mark.parametrize("name", ["fusion", "none", "tei", "jina"])
def test_every_reranker_returns_each_candidate_once_best_first(server: Any, name: str) -> None:
    found = rerank(QUESTION, CANDIDATES, STATISTICS, RetrievalSettings(reranker=name))
    assert found.reranker == name and not found.notes
    assert found.ranked[0].candidate.chunk_id == "b"
    assert sorted(item.candidate.chunk_id for item in found.ranked) == ["a", "b", "c"]
    scores = [item.score for item in found.ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(set(FEATURES) <= set(item.features) for item in found.ranked)


@pytest.mark.parametrize("name", ["fusion", "none", "tei", "jina"])
def test_nothing_to_rank_is_no_error(server: Any, name: str) -> None:
    assert rerank(QUESTION, [], STATISTICS, RetrievalSettings(reranker=name)).ranked == []


def test_an_endpoint_is_asked_in_batches_with_its_key_and_in_its_own_words(server: Any) -> None:
    rerank(QUESTION, CANDIDATES, STATISTICS, RetrievalSettings(reranker="tei"))
    assert [len(asked["texts"]) for _, _, asked in server.asked] == [2, 1]
    assert server.asked[0][1]["Authorization"] == "Bearer k-1"
    rerank(QUESTION, CANDIDATES, STATISTICS, RetrievalSettings(reranker="jina"))
    path, headers, asked = server.asked[-1]
    assert (path, asked["model"], asked["top_n"]) == ("/v1/rerank", "m", 3)
    assert "Authorization" not in headers


@pytest.mark.parametrize("fault", ["broken", "short"])
def test_a_faulty_endpoint_is_told_or_replaced_only_where_that_is_allowed(server: Any, fault: str) -> None:
    setattr(server, fault, True)
    with pytest.raises(RerankerDown):
        rerank(QUESTION, CANDIDATES, STATISTICS, RetrievalSettings(reranker="tei"))
    found = rerank(QUESTION, CANDIDATES, STATISTICS, RetrievalSettings(reranker="tei", fallback=True))
    assert found.reranker == "fusion" and "tei" in found.notes[0]


def test_a_silent_endpoint_is_down(server: Any) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(RerankerDown, match="ConnectError"):
        rerank(QUESTION, CANDIDATES, STATISTICS, RetrievalSettings(reranker="tei"))


def test_a_reranker_that_nobody_configured_is_refused_by_name(server: Any) -> None:
    assert reranker_names() == ["fusion", "none", "tei", "jina"]
    with pytest.raises(RerankerUnknown, match="nobody"):
        rerank(QUESTION, CANDIDATES, STATISTICS, RetrievalSettings(reranker="nobody"))


def test_the_weight_of_a_leg_decides_where_the_legs_disagree() -> None:
    words = Candidate("w", "甲", "", "医疗废物 暂时 贮存", 0.80, 9.0)
    near = Candidate("v", "乙", "", "感染性垃圾放置的时限为四十八小时", 0.95, 0.0)
    by_vector = RetrievalSettings(reranker="none", vector_weight=1, lexical_weight=0)
    by_words = RetrievalSettings(reranker="none", vector_weight=0, lexical_weight=1)
    assert rerank(QUESTION, [words, near], STATISTICS, by_vector).ranked[0].candidate.chunk_id == "v"
    assert rerank(QUESTION, [words, near], STATISTICS, by_words).ranked[0].candidate.chunk_id == "w"


def test_a_collections_own_weights_take_the_place_of_the_stored_ones() -> None:
    settings = RetrievalSettings(learned={"length": 5.0})
    found = rerank(QUESTION, CANDIDATES, STATISTICS, settings).ranked
    assert [item.candidate.chunk_id for item in found] == sorted(
        ("a", "b", "c"), key=lambda key: -next(len(c.text) for c in CANDIDATES if c.chunk_id == key)
    )
