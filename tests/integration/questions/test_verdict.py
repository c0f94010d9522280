"""One real fault each, seeded where it happens; the verdict has to name it, prove it and point at what mends it."""

from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.knowledge.questions.verdict import Case, Cause, Verdict, case_of_text, verdict_of
from liaoyuan.knowledge.selectors import collection_by_name, parsed_document
from liaoyuan.pipeline.storage import storage
from tests.integration.questions.conftest import NURSING, WASTE

QUESTION = "医疗废物暂时贮存的时间最多几天？"
RIGHT = "不得超过2天"
OTHERS = "\n\n".join(f"第{number}条 护士每班{number}人值守{number}号病区，由护士长排班。" for number in range(1, 131))
BALLOON = "# 气象站须知\n\n第一条 高空探测的气球每日施放两枚。\n"


def kinds(verdict: Verdict) -> set[str]:
    return {finding.kind for finding in verdict.findings}


def screens(verdict: Verdict) -> list[str]:
    return [mend.screen for mend in verdict.mend]


@pytest.fixture
def judged(organization: Any) -> Any:
    """``judged(question, expected, …)`` is the verdict that an owner sees."""

    def run(question: str = QUESTION, expected: str = RIGHT, *, seen_by: Any = None, **more: Any) -> Verdict:
        with tenant_context(organization.id, groups=seen_by):
            collection = collection_by_name("制度")
            return verdict_of(case_of_text(collection_id=collection.id, question=question, expected=expected, **more))

    return run


def test_a_right_answer_is_fine(collection: Any, judged: Any) -> None:
    assert judged().cause == Cause.FINE
    assert judged(answer="医疗废物暂时贮存的时间不得超过2天。[1]").cause == Cause.FINE


def test_a_document_that_nobody_brought_is_missing(collection: Any, judged: Any) -> None:
    verdict = judged("婚假可以休几天？", "婚假为十五天")
    assert verdict.cause == Cause.MISSING
    searched = next(finding for finding in verdict.findings if finding.kind == "searched")
    assert (searched.numbers["documents"], searched.numbers["files"]) == (2, 2)
    assert screens(verdict) == ["collection", "sources"]
    assert "near" in kinds(verdict)


def test_words_that_stand_in_the_file_and_not_in_its_blocks_were_lost_by_parsing(
    collection: Any, organization: Any, judged: Any
) -> None:
    with tenant_context(organization.id):
        version = DocumentVersion.objects.get(document__name="医疗废物管理办法.md")
        parsed = parsed_document(version)
        parsed.blocks = [block for block in parsed.blocks if RIGHT not in block.text]
        key = version.blocks_key.removesuffix("blocks.jsonl") + "parsed.json"
        storage().open_path(key).write_text(parsed.to_json(), encoding="utf-8")
        Chunk.objects.filter(text__contains=RIGHT).delete()
    verdict = judged()
    assert verdict.cause == Cause.PARSE
    assert {"file_text", "reread"} <= kinds(verdict), "the file has the words, and reading it again finds them"
    assert screens(verdict)[0] == "document"


def test_a_named_file_that_could_not_be_read_is_a_matter_of_parsing(bring: Any, organization: Any) -> None:
    bring({"消防管理制度.pdf": b"%PDF-1.4 broken", "护理值班制度.md": NURSING})
    with tenant_context(organization.id):
        collection = collection_by_name("制度")
        verdict = verdict_of(Case(collection.id, "谁负责巡查？", ("保卫科每日巡查",), (("消防管理制度#第一条", None),)))
    assert verdict.cause == Cause.PARSE
    assert "rejected" in kinds(verdict)


def test_a_chunk_that_was_switched_off_is_named(collection: Any, organization: Any, judged: Any) -> None:
    with tenant_context(organization.id):
        Chunk.objects.filter(text__contains=RIGHT).update(enabled=False)
        chunk = Chunk.objects.get(enabled=False)
    verdict = judged()
    assert verdict.cause == Cause.CHUNK
    assert "disabled" in kinds(verdict)
    assert (verdict.mend[0].screen, verdict.mend[0].query) == ("chunks", {"chunk": str(chunk.id)})


def test_an_answer_that_was_cut_in_two_is_shown_with_both_pieces(collection: Any, judged: Any) -> None:
    verdict = judged("为什么要制定本办法，废物由谁处置？", "制定本办法。第二条 医疗废物由指定的单位")
    assert verdict.cause == Cause.CHUNK
    assert sum(finding.kind == "cut" for finding in verdict.findings) == 2
    assert screens(verdict) == ["chunks"]


@pytest.mark.slow
def test_a_passage_that_no_leg_brings_among_the_candidates_is_not_retrieved(bring: Any, judged: Any) -> None:
    bring({"气象站须知.md": BALLOON, "排班表.md": f"# 排班表\n\n{OTHERS}"})
    verdict = judged("护士每班几人值守病区？由谁排班？", "每日施放两枚")
    assert verdict.cause == Cause.RETRIEVE
    legs = next(finding for finding in verdict.findings if finding.kind == "legs")
    assert legs.numbers["vector"] > 50, "beyond what this leg gives"
    assert legs.numbers["lexical"] is None, "no word in common"
    assert screens(verdict) == ["lab", "collection_settings"]


def test_a_candidate_that_was_ranked_low_is_shown_with_what_outweighed_it(bring: Any, judged: Any) -> None:
    bring({"护理值班制度.md": NURSING, "排班表.md": f"# 排班表\n\n{OTHERS[:600]}"})
    verdict = judged("护士每班几人值守病区？由谁排班？", "交班前30分钟完成护理记录")
    assert verdict.cause == Cause.RERANK
    assert {"legs", "features", "above"} <= kinds(verdict)
    assert all(finding.numbers["counted"] > 0 for finding in verdict.findings if finding.kind == "features")


def test_an_answer_that_contradicts_its_context_is_a_matter_of_generation(collection: Any, judged: Any) -> None:
    verdict = judged(answer="医疗废物最多可以贮存7天。")
    assert verdict.cause == Cause.GENERATE
    contradiction = next(finding for finding in verdict.findings if finding.kind == "contradiction")
    assert contradiction.numbers["quantities"] == ["7日"]
    assert "now" in kinds(verdict), "asked again now, it is right"


def test_an_abstention_with_the_passage_in_the_context_is_a_matter_of_generation(collection: Any, judged: Any) -> None:
    verdict = judged(answer="不作回答。", abstained=True)
    assert verdict.cause == Cause.GENERATE
    assert "abstained" in kinds(verdict)


def test_what_should_not_be_answered_is_fine_only_when_it_was_not(collection: Any, judged: Any) -> None:
    question = "居民阶梯电价第二档每度多少钱？"
    assert judged(question, "", answerable=False).cause == Cause.FINE
    assert judged(question, "", answerable=False, answer="每度0.6元", abstained=False).cause == Cause.GENERATE


def test_what_only_an_old_version_says_is_stale(bring: Any, organization: Any, judged: Any) -> None:
    bring({"医疗废物管理办法(2020-01-01).md": WASTE})
    bring({"医疗废物管理办法(2024-01-01).md": WASTE.replace("不得超过2天", "不得超过1天")})
    verdict = judged()
    assert verdict.cause == Cause.STALE
    assert {"version", "newer"} <= kinds(verdict)
    assert screens(verdict) == ["versions"]
    with tenant_context(organization.id):
        old = DocumentVersion.objects.get(effective_from="2020-01-01")
    quoted = judged(expected="不得超过1天", answer="不得超过2天", versions=[old.id])
    assert quoted.cause == Cause.STALE, "an answer that quotes the old version is stale, whatever else is wrong"


def test_an_asker_without_the_right_is_told_apart_from_a_bad_search(bring: Any, judged: Any) -> None:
    bring({"医疗废物管理办法.md": WASTE}, groups=["infection"])
    bring({"护理值班制度.md": NURSING})
    verdict = judged(groups=("surgery",))
    assert verdict.cause == Cause.RETRIEVE
    assert "rights" in kinds(verdict)


def test_who_may_not_read_a_document_learns_nothing_of_it(
    bring: Any, organization: Any, other_organization: Any, judged: Any
) -> None:
    bring({"医疗废物管理办法.md": WASTE}, groups=["infection"])
    bring({"护理值班制度.md": NURSING})
    verdict = judged(seen_by=("surgery",))
    assert verdict.cause == Cause.MISSING
    assert "贮存" not in "".join(finding.text for finding in verdict.findings if finding.kind != "expected")
    with tenant_context(organization.id):
        collection = collection_by_name("制度")
        chunk = Chunk.objects.get(locator="第三条")
    with tenant_context(organization.id, groups=("surgery",)), pytest.raises(NotFound):
        case_of_text(collection_id=collection.id, question=QUESTION, chunk_ids=[chunk.id])
    with tenant_context(other_organization.id), pytest.raises(NotFound):
        verdict_of(Case(collection.id, QUESTION, (RIGHT,)))


def test_without_an_expectation_the_verdict_asks_for_one(collection: Any, judged: Any) -> None:
    assert judged(expected="").cause == Cause.UNKNOWN


def test_pointing_at_a_passage_is_enough(collection: Any, organization: Any, judged: Any) -> None:
    with tenant_context(organization.id):
        chunk = Chunk.objects.get(locator="第三条")
    assert judged(expected="", chunk_ids=[chunk.id]).cause == Cause.FINE
    assert judged(expected="", chunk_ids=[chunk.id], answer="七天", abstained=False).cause == Cause.GENERATE
