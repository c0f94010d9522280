"""A person's edit is found again by content and carried: never lost in silence, never put over a newer truth."""

import uuid
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.knowledge.anchors import content_anchor
from liaoyuan.knowledge.chunking import ChunkDraft, Span
from liaoyuan.knowledge.edits.literal import literal_spans
from liaoyuan.knowledge.edits.patches import Lost, Patch, carry, derived, draft_as_dict, draft_from_dict
from liaoyuan.knowledge.edits.threeway import merge, tokens

STORAGE = "第三条 医疗废物暂时贮存的时间不得超过2天，由后勤保障部负责检查。"
RULES = [
    "第一条 为了加强医疗废物的安全管理，防止疾病传播，制定本办法。",
    "第二条 医疗废物由指定的单位集中处置，任何科室不得转让。",
    STORAGE,
    "第四条 本办法自发布之日起施行，由医务部负责解释和修订。",
]


def parsed(*texts: str, path: tuple[str, ...] = ("第一章",)) -> list[ChunkDraft]:
    return [
        ChunkDraft("clause", text, path, text[:3], 1, (0, 0, 9, 9), (Span(0, len(text), number, 0),), ordinal=number)
        for number, text in enumerate(texts)
    ]


def edited(originals: list[ChunkDraft], *texts: str, enabled: bool = True) -> Patch:
    results = tuple(derived(text, originals, enabled=enabled) for text in texts)
    return Patch(uuid.uuid4(), tuple(originals), results)


def texts(drafts: list[ChunkDraft]) -> list[str]:
    return [draft.text for draft in drafts]


def test_an_anchor_survives_blanks_and_width_and_tells_headings_apart() -> None:
    assert content_anchor("ＡＢ 2 天", ["总则"]) == content_anchor("AB2天", ["总 则"])
    assert content_anchor("略。", ["一"]) != content_anchor("略。", ["二"])


def test_an_edit_is_put_back_on_the_same_text() -> None:
    first = parsed(*RULES)
    patch = edited([first[2]], STORAGE.replace("后勤保障部", "后勤保障部（总务科）"))
    found = carry([patch], parsed(*RULES))
    assert not found.lost
    assert found.drafts[2].origin == "edited"
    assert "总务科" in found.drafts[2].text
    assert found.drafts[2].patch_id == found.kept[0][1].id


def test_an_edit_follows_its_text_below_a_renamed_heading_and_to_another_place() -> None:
    patch = edited([parsed(*RULES)[2]], STORAGE + "（已核对）")
    found = carry([patch], parsed("第〇条 新增的一条，说明适用范围。", *RULES, path=("第二章 贮存",)))
    assert [text for text in texts(found.drafts) if text.endswith("（已核对）")]
    assert found.drafts[3].heading_path == ("第二章 贮存",)


def test_what_the_document_and_the_person_changed_apart_comes_together() -> None:
    patch = edited([parsed(*RULES)[2]], STORAGE.replace("后勤保障部", "总务科"))
    newer = STORAGE.replace("2天", "1天")
    found = carry([patch], parsed(*RULES[:2], newer, RULES[3]))
    assert found.drafts[2].text == newer.replace("后勤保障部", "总务科")


def test_an_edit_never_overrides_what_a_new_version_says_at_the_same_place() -> None:
    patch = edited([parsed(*RULES)[2]], STORAGE.replace("2天", "48小时"))
    found = carry([patch], parsed(*RULES[:2], STORAGE.replace("2天", "1天"), RULES[3]))
    assert [why for _patch, why in found.lost] == [Lost.CONFLICT]
    assert "1天" in found.drafts[2].text


def test_a_disabled_chunk_comes_back_when_its_facts_change() -> None:
    patch = edited([parsed(*RULES)[2]], STORAGE, enabled=False)
    same = carry([patch], parsed(*RULES))
    assert [draft.enabled for draft in same.drafts] == [True, True, False, True]
    other = carry([patch], parsed(*RULES[:2], STORAGE.replace("2天", "7天"), RULES[3]))
    assert [why for _patch, why in other.lost] == [Lost.FACTS]
    assert all(draft.enabled for draft in other.drafts)


def test_a_split_and_a_merge_are_carried() -> None:
    first = parsed(*RULES)
    cut = STORAGE.index("，") + 1
    split = edited([first[2]], STORAGE[:cut], STORAGE[cut:])
    merged = edited(first[:2], "\n".join(RULES[:2]))
    found = carry([merged, split], parsed(*RULES))
    assert texts(found.drafts) == ["\n".join(RULES[:2]), STORAGE[:cut], STORAGE[cut:], RULES[3]]
    assert [(draft.ordinal, draft.sub_ordinal) for draft in found.drafts] == [(0, 0), (2, 0), (2, 1), (3, 0)]


def test_an_edit_lands_inside_a_larger_chunk_when_the_document_is_cut_anew() -> None:
    patch = edited([parsed(*RULES)[2]], STORAGE.replace("后勤保障部", "总务科"))
    found = carry([patch], parsed("\n".join(RULES[:2]), "\n".join(RULES[2:])))
    assert not found.lost
    assert found.drafts[1].text == "\n".join(RULES[2:]).replace("后勤保障部", "总务科")


def test_an_added_chunk_stays_beside_its_neighbour() -> None:
    first = parsed(*RULES)
    note = replace(first[1], text="释义：指定的单位为市医废中心。", origin="added", spans=())
    patch = Patch(uuid.uuid4(), (first[1],), (first[1], note))
    found = carry([patch], parsed("第〇条 新增的一条，说明适用范围。", *RULES))
    assert texts(found.drafts)[2:4] == [RULES[1], note.text]


def test_what_is_gone_is_listed_with_its_reason() -> None:
    patch = edited([parsed(*RULES)[2]], STORAGE + "（已核对）")
    found = carry([patch], parsed(*RULES[:2], "附件一 联系电话与值班表格式样，另行印发。"))
    assert [why for _patch, why in found.lost] == [Lost.GONE]
    assert texts(found.drafts) == [*RULES[:2], "附件一 联系电话与值班表格式样，另行印发。"]


def test_what_no_longer_fits_the_model_is_listed() -> None:
    patch = edited([parsed(*RULES)[2]], STORAGE + "（已核对）")
    found = carry([patch], parsed(*RULES), fits=lambda draft: len(draft.text) <= len(STORAGE))
    assert [why for _patch, why in found.lost] == [Lost.LONG]


def test_two_equal_chunks_keep_their_edits_apart() -> None:
    same = "本条款略，详见附件中的说明文字。"
    first = parsed(same, RULES[0], same)
    found = carry([edited([first[2]], same, enabled=False)], parsed(same, RULES[0], same))
    assert [draft.enabled for draft in found.drafts] == [True, True, False]


def test_words_of_a_person_have_no_span_and_words_of_the_document_do() -> None:
    (source,) = parsed(STORAGE)
    text = STORAGE.replace("后勤保障部", "总务科（二楼）")
    covered = {at for span in literal_spans(text, [source]) for at in range(span.start, span.end)}
    assert not covered & set(range(text.index("总务科"), text.index("总务科") + 7))
    assert text.index("医疗废物") in covered


def test_a_draft_survives_the_database() -> None:
    (source,) = parsed(STORAGE)
    assert draft_from_dict(draft_as_dict(source)) == source


words = st.text(alphabet="甲乙丙丁戊己庚辛，。 12ab", max_size=60)


@given(words, words)
def test_a_change_on_one_side_only_is_taken_as_it_is(base: str, other: str) -> None:
    assert merge(base, other, base) == other
    assert merge(base, base, other) == other
    assert "".join(tokens(other)) == other


@given(words, words, words)
def test_merging_never_invents_a_word(base: str, ours: str, theirs: str) -> None:
    found = merge(base, ours, theirs)
    if found is not None:
        assert set(tokens(found)) <= set(tokens(base)) | set(tokens(ours)) | set(tokens(theirs))


@given(st.lists(words, min_size=1, max_size=3), words)
def test_every_span_of_an_edited_text_is_literal(sources: list[str], text: str) -> None:
    drafts = parsed(*sources)
    for span in literal_spans(text, drafts):
        source = sources[span.block]
        assert text[span.start : span.end] == source[span.block_start : span.block_start + span.end - span.start]


@given(st.permutations(RULES), st.integers(0, 3))
def test_no_chunk_of_the_document_is_lost_or_doubled_by_carrying(order: list[str], number: int) -> None:
    patch = edited([parsed(*RULES)[number]], RULES[number], enabled=False)
    found = carry([patch], parsed(*order))
    assert texts(found.drafts) == list(order)
