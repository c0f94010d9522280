"""Who orders what a search finds: the rerankers there are, and the order learned from the collection's questions."""

from uuid import UUID

from django.http import HttpResponse
from ninja import Router, Status

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.present import path_of, run_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.schemas.indexes import RankingOut, RerankerOut
from liaoyuan.api.rest.schemas.work import Started
from liaoyuan.knowledge.questions.teaching import learning_start, ranking_of, ranking_reset
from liaoyuan.knowledge.rerankers import reranker_names

router = Router(tags=["documents"])
HERE = "/collections/{collection_id}/ranking"


@operation(router, "GET", "/rerankers", action="document.view", response=list[RerankerOut])
def rerankers_list(request: ApiRequest) -> list[RerankerOut]:
    """Who may order what a search found: the platform itself and what the operator configured."""
    return [RerankerOut(name=name) for name in reranker_names()]


@operation(router, "GET", HERE, action="document.view", response=RankingOut)
def ranking_show(request: ApiRequest, collection_id: UUID) -> RankingOut:
    """The weights in force, how they were learned, and what came of the newest attempt."""
    return _ranking(collection_id)


@operation(router, "POST", HERE + "/learn", action="collection.settings", response={202: Started})
def ranking_learn(request: ApiRequest, collection_id: UUID, response: HttpResponse) -> "Status[Started]":
    """Learn the order from the collection's own questions, as a run; kept only where it is better beyond chance."""
    run = learning_start(collection_id=collection_id)
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


@operation(router, "DELETE", HERE, action="collection.settings", response=RankingOut)
def ranking_end(request: ApiRequest, collection_id: UUID) -> RankingOut:
    """Back to the weights that the platform brings."""
    ranking_reset(collection_id=collection_id)
    return _ranking(collection_id)


def _ranking(collection_id: UUID) -> RankingOut:
    found = ranking_of(collection_id)
    result = found.last.result if found.last else {}
    return RankingOut(
        weights=found.weights,
        facts=found.facts,
        run_id=found.last.id if found.last else None,
        run_state=found.last.state if found.last else None,
        kept=result.get("kept"),
        result=result,
    )
