"""Chunks changed by hand: found at once, cited honestly, undone, kept over every new parse, closed to who may not."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.tenancy import Tenant, tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.context import edit_marks, expand, parent_of
from liaoyuan.knowledge.edits.errors import (
    ChunkChanged,
    ChunkEmpty,
    ChunkGone,
    ChunkNotLive,
    ChunkTooLong,
    NotAdded,
    NothingToMerge,
    NothingToRestore,
    SplitOutside,
)
from liaoyuan.knowledge.edits.groups import chunk_tag
from liaoyuan.knowledge.edits.models import ChunkEdit, ChunkPatch, PatchState
from liaoyuan.knowledge.edits.selectors import edit_counts, live_chunks, lost_edits
from liaoyuan.knowledge.indexes import index_start, index_swap
from liaoyuan.knowledge.models import Chunk, DocumentVersion, SearchIndex
from liaoyuan.knowledge.preview import chunks_preview
from liaoyuan.knowledge.selectors import parsed_document
from liaoyuan.knowledge.services.carrying import edits_carry, edits_record
from liaoyuan.knowledge.services.catching_up import edits_catch_up, edits_lost, parsed_drafts
from liaoyuan.knowledge.services.editing import (
    chunk_add,
    chunk_edit,
    chunk_enable,
    chunk_merge,
    chunk_remove,
    chunk_restore,
    chunk_split,
    lost_settle,
)
from liaoyuan.knowledge.services.indexing import chunks_write, document_index
from tests.integration.knowledge.conftest import WASTE, Ask, Import

NAME = "医疗废物管理办法.md"


@pytest.fixture
def desk(organization: Any, owner: Any, engine: Any, bring: Import) -> "Desk":
    bring({NAME: WASTE})
    return Desk(organization, owner, engine, bring)


class Desk:
    """An editor's hands on the document 医疗废物管理办法."""

    def __init__(self, organization: Any, owner: Any, engine: Any, bring: Import) -> None:
        self.organization, self.engine, self.bring = organization, engine, bring
        self.who = Tenant(organization.id, owner.user_id, None)

    def version(self) -> DocumentVersion:
        with tenant_context(self.organization.id):
            found = DocumentVersion.objects.select_related("document__collection").order_by("-number")
            return found.filter(document__name=NAME)[0]

    def chunks(self, version: DocumentVersion | None = None) -> list[Chunk]:
        with tenant_context(self.organization.id):
            return list(live_chunks(version or self.version()))

    def at(self, words: str) -> Chunk:
        return next(chunk for chunk in self.chunks() if words in chunk.text)

    def texts(self) -> list[str]:
        return [chunk.text for chunk in self.chunks()]

    def do(self, verb: Callable[..., Any], chunk: Chunk, **options: Any) -> Any:
        name = "after" if verb is chunk_add else "chunk_id"
        return verb(who=self.who, engine=self.engine, **{name: chunk.id}, **options)

    def again(self, parsed: Any = None) -> None:
        """Parse (or not) and index the newest version anew."""
        version = self.version()
        with tenant_context(self.organization.id):
            parsed = parsed or parsed_document(version)
        document_index(organization_id=self.organization.id, version_id=version.id, parsed=parsed, engine=self.engine)


def test_an_edited_chunk_is_found_by_its_new_words_at_once(desk: Desk, ask: Ask) -> None:
    chunk = desk.at("不得超过2天")
    changed = desk.do(chunk_edit, chunk, text=chunk.text + "冷藏条件为5℃以下的温控库房。", tag=chunk_tag(chunk))
    assert changed.chunk_ids == (chunk.id,)
    answer = ask("冷藏条件是多少度的温控库房？")
    assert not answer.abstained
    cited = next(citation for citation in answer.citations if "温控库房" in citation.quote)
    assert cited.edited_by and cited.edited_at and not cited.literal
    untouched = [citation for citation in answer.citations if citation.chunk_id != str(chunk.id)]
    assert all((each.edited_by, each.edited_at, each.literal) == ("", None, True) for each in untouched)


def test_what_a_person_wrote_is_told_from_what_the_document_says(desk: Desk) -> None:
    chunk = desk.at("不得超过2天")
    desk.do(chunk_edit, chunk, text=chunk.text + "冷藏条件为5℃以下。")
    with tenant_context(desk.organization.id):
        (row,) = Chunk.objects.filter(id=chunk.id)
        mark = edit_marks([row])[str(row.id)]
        blocks = parsed_document(row.version).blocks
    own = row.text.index("冷藏")
    assert mark.author
    assert mark.literal_at(0, own, row.text)
    assert not mark.literal_at(own, len(row.text), row.text)
    assert row.origin == "edited"
    for start, end, block, begin in row.spans:
        assert row.text[start:end] == blocks[block].text[begin : begin + end - start]


def test_a_disabled_chunk_is_found_by_no_question_and_enabling_leaves_no_trace(desk: Desk, ask: Ask) -> None:
    chunk = desk.at("不得超过2天")
    desk.do(chunk_enable, chunk, enabled=False)
    assert not any("2天" in each.quote for each in ask("医疗废物暂时贮存的时间不得超过几天？").citations)
    desk.do(chunk_enable, chunk, enabled=True)
    assert any("2天" in each.quote for each in ask("医疗废物暂时贮存的时间不得超过几天？").citations)
    with tenant_context(desk.organization.id):
        assert not ChunkPatch.objects.exists()
        assert list(ChunkEdit.objects.order_by("created_at").values_list("action", flat=True)) == ["disable", "enable"]


def test_split_merge_and_restore_give_the_parsed_chunks_back(desk: Desk) -> None:
    before = desk.texts()
    chunk = desk.at("转让、买卖")
    desk.do(chunk_split, chunk, position=chunk.text.index("，") + 1)
    assert len(desk.chunks()) == len(before) + 1
    assert [each.ordinal for each in desk.chunks()].count(chunk.ordinal) == 2
    second = desk.at("任何科室")
    desk.do(chunk_merge, second)
    assert "第三条" in desk.at("任何科室").text
    desk.do(chunk_restore, desk.at("任何科室"))
    assert desk.texts() == before
    with tenant_context(desk.organization.id):
        assert not ChunkPatch.objects.exists()
        assert desk.version().chunk_count == len(before)


def test_an_added_chunk_is_found_and_can_be_taken_away(desk: Desk, ask: Ask) -> None:
    before = desk.texts()
    desk.do(chunk_add, desk.at("第一条"), text="联系人：后勤保障部值班电话 8801。")
    assert desk.texts()[1].startswith("联系人")
    assert any("8801" in each.quote for each in ask("后勤保障部的值班电话是多少？").citations)
    desk.do(chunk_remove, desk.at("8801"))
    assert desk.texts() == before


def test_who_saves_second_is_told_and_nothing_is_lost(desk: Desk) -> None:
    chunk = desk.at("不得超过2天")
    seen = chunk_tag(chunk)
    desk.do(chunk_edit, chunk, text="第一位编辑的文字。", tag=seen)
    with pytest.raises(ChunkChanged) as conflict:
        desk.do(chunk_edit, chunk, text="第二位编辑的文字。", tag=seen)
    assert conflict.value.status == 412
    assert "第一位编辑的文字。" in desk.texts()


def test_of_two_editors_at_the_same_moment_one_wins(desk: Desk) -> None:
    chunk = desk.at("不得超过2天")
    together, outcomes = threading.Barrier(2), []

    def save(text: str) -> None:
        from django.db import connections

        together.wait(60)
        try:
            desk.do(chunk_edit, chunk, text=text, tag=chunk_tag(chunk))
            outcomes.append(text)
        except ChunkChanged:
            outcomes.append("conflict")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=save, args=(text,)) for text in ("甲的文字。", "乙的文字。")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes.count("conflict") == 1
    assert next(text for text in outcomes if text != "conflict") in desk.texts()


def test_a_chunk_that_was_merged_away_says_by_whom(desk: Desk) -> None:
    chunk = desk.at("第二条")
    desk.do(chunk_merge, desk.at("第一条"))
    with pytest.raises(ChunkGone):
        desk.do(chunk_edit, chunk, text="太晚了。")


def test_what_cannot_be_is_refused_in_words(desk: Desk) -> None:
    chunk = desk.at("不得超过2天")
    with pytest.raises(ChunkEmpty):
        desk.do(chunk_edit, chunk, text=" \u200b\n")
    with pytest.raises(ChunkTooLong):
        desk.do(chunk_edit, chunk, text="医疗废物分类收集。" * 200)
    with pytest.raises(SplitOutside):
        desk.do(chunk_split, chunk, position=0)
    with pytest.raises(NothingToMerge):
        desk.do(chunk_merge, desk.chunks()[-1])
    with pytest.raises(NotAdded):
        desk.do(chunk_remove, chunk)
    with pytest.raises(NothingToRestore):
        desk.do(chunk_restore, chunk)
    assert desk.texts() == [each.text for each in desk.chunks()]


def test_strangers_and_members_without_the_group_find_nothing_to_edit(
    desk: Desk, other_organization: Any, stranger: Any
) -> None:
    chunk = desk.at("不得超过2天")
    with tenant_context(desk.organization.id):
        DocumentVersion.objects.update(groups=["院感科"])
    for who in (
        Tenant(other_organization.id, stranger.user_id, None),
        Tenant(desk.organization.id, desk.who.user_id, ("药剂科",)),
    ):
        with pytest.raises(NotFound):
            chunk_edit(who=who, chunk_id=chunk.id, text="偷改。", engine=desk.engine)
    insider = Tenant(desk.organization.id, desk.who.user_id, ("院感科",))
    chunk_edit(who=insider, chunk_id=chunk.id, text="院感科可以改。", engine=desk.engine)


def test_every_change_is_in_the_history_and_in_the_audit_chain(desk: Desk) -> None:
    chunk = desk.at("不得超过2天")
    desk.do(chunk_edit, chunk, text="新的文字。")
    with tenant_context(desk.organization.id):
        (edit,) = ChunkEdit.objects.all()
        assert edit.author and edit.before[0]["text"] == chunk.text and edit.after[0]["text"] == "新的文字。"
        assert AuditEvent.objects.filter(action="chunk.edit", object_id=str(chunk.id)).count() == 1


def test_edits_survive_a_new_parse_of_the_same_version(desk: Desk) -> None:
    desk.do(chunk_edit, desk.at("不得超过2天"), text=desk.at("不得超过2天").text + "（已核对）")
    desk.do(chunk_enable, desk.at("第一条"), enabled=False)
    wanted = [(chunk.text, chunk.enabled) for chunk in desk.chunks()]
    desk.again()
    assert [(chunk.text, chunk.enabled) for chunk in desk.chunks()] == wanted
    desk.do(chunk_restore, desk.at("（已核对）"))
    desk.again()
    assert not any("（已核对）" in text for text in desk.texts())


def test_edits_move_to_a_new_version_and_what_cannot_is_listed(desk: Desk) -> None:
    chunk = desk.at("不得超过2天")
    desk.do(chunk_edit, chunk, text=chunk.text.replace("2天", "48小时"))
    desk.do(chunk_edit, desk.at("转让、买卖"), text=desk.at("转让、买卖").text.replace("指定的单位", "市医废中心"))
    desk.bring({NAME: WASTE.replace("不得超过2天", "不得超过1天").replace("转让、买卖", "转让或者买卖")})
    assert desk.version().number == 2
    assert "市医废中心" in desk.at("转让或者买卖").text
    assert "不得超过1天" in desk.at("第三条").text
    with tenant_context(desk.organization.id):
        (lost,) = lost_edits(desk.version())
        assert (lost.reason, lost.near) == ("conflict", desk.at("第三条").id)
        assert "48小时" in lost.after
        assert edit_counts(desk.version()).lost == 1
    lost_settle(who=desk.who, patch_id=lost.id)
    with tenant_context(desk.organization.id):
        assert lost_edits(desk.version()) == []


def test_an_edit_made_while_a_document_is_indexed_is_not_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = desk.at("不得超过2天")
    embed, edited = desk.engine.embed, []

    def slowly(texts: Any, role: str) -> Any:
        found = embed(texts, role)
        if not edited:
            edited.append(True)
            desk.do(chunk_edit, chunk, text="在索引期间改好的文字。")
        return found

    monkeypatch.setattr(desk.engine, "embed", slowly)
    desk.again()
    assert "在索引期间改好的文字。" in desk.texts()


def test_a_generation_built_aside_takes_edits_over_before_it_goes_live(desk: Desk) -> None:
    desk.do(chunk_edit, desk.at("第一条"), text="第一条 先改的文字。")
    version, shadow = desk.version(), shadow_of(desk)
    desk.do(chunk_edit, desk.at("不得超过2天"), text="第三条 后改的文字。")
    with tenant_context(desk.organization.id):
        assert edits_catch_up(shadow.id, desk.engine) == 1
        assert edits_catch_up(shadow.id, desk.engine) == 0
        assert edits_lost(shadow.id) == 0
        index_swap(shadow.id)
    assert {"第一条 先改的文字。", "第三条 后改的文字。"} <= set(desk.texts())
    with tenant_context(desk.organization.id):
        assert not any("改的文字" in draft.text for draft in parsed_drafts(version, shadow.id))
        retired = Chunk.objects.exclude(index=shadow).first()
    with pytest.raises(ChunkNotLive):
        desk.do(chunk_edit, retired, text="太晚了。")


def shadow_of(desk: Desk) -> SearchIndex:
    """A second generation of the same chunks with the edits so far, as the shadow build makes it."""
    version = desk.version()
    with tenant_context(desk.organization.id):
        live = SearchIndex.objects.get()
        shadow = index_start(version.document.collection_id, embedder=live.embedder, dimensions=384, settings={})
        carried = edits_carry(version, parsed_drafts(version, live.id), index_id=shadow.id)
        vectors = desk.engine.embed([draft.text for draft in carried.drafts], "passage")
        chunks_write(version, version.title, carried.drafts, list(vectors), index=shadow)
        edits_record(version, carried)
        SearchIndex.objects.filter(id=shadow.id).update(state="ready")
    return shadow


def test_the_parent_of_a_chunk_is_its_section_and_holds_it_word_for_word(desk: Desk) -> None:
    chunk = desk.at("第三条")
    with tenant_context(desk.organization.id):
        parent = parent_of(chunk)
        assert parent.text[parent.start : parent.start + len(chunk.text)] == chunk.text
        assert "第四条" in parent.text and "第二条" not in parent.text
        small = expand([chunk], budget=10)[str(chunk.id)]
        assert (small.text, small.start) == (chunk.text, 0)


def test_a_disabled_neighbour_is_not_read_along(desk: Desk) -> None:
    desk.do(chunk_enable, desk.at("第四条"), enabled=False)
    with tenant_context(desk.organization.id):
        assert "第四条" not in parent_of(desk.at("第三条")).text


def test_a_preview_tells_what_other_settings_would_make_and_writes_nothing(desk: Desk) -> None:
    desk.do(chunk_edit, desk.at("第一条"), text=desk.at("第一条").text + "（已核对）")
    before = [chunk.id for chunk in desk.chunks()]
    with tenant_context(desk.organization.id):
        preview = chunks_preview(desk.version(), target=40, limit=64, engine=desk.engine)
    assert preview.now.chunks == len(before)
    assert preview.then.chunks == len(preview.drafts) == sum(each.then for each in preview.bins)
    assert (preview.kept, preview.lost) == (1, 0)
    assert preview.then.longest <= 64
    assert [chunk.id for chunk in desk.chunks()] == before


def test_a_settled_edit_of_somebody_else_is_missing(desk: Desk, other_organization: Any) -> None:
    with pytest.raises(NotFound):
        lost_settle(who=Tenant(other_organization.id), patch_id=uuid.uuid4())
    with tenant_context(desk.organization.id):
        assert not ChunkPatch.objects.filter(state=PatchState.SETTLED).exists()
