"""Chunks follow the document: articles whole, tables with their header, every character traceable to its block."""

from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.knowledge.chunking import TOKEN_LIMIT, ChunkDraft, chunk_document
from liaoyuan.knowledge.parse.blocks import Block, BlockType
from liaoyuan.knowledge.parse.grid import table_text


def tokens(text: str) -> int:
    """One token a character: an upper bound of what the real tokenizer gives for Chinese."""
    return len(text)


def paragraph(text: str, *path: str, locator: str = "", page: int = 1) -> Block:
    return Block(BlockType.PARAGRAPH, text, page=page, box=(1, 2, 3, 4), heading_path=path, locator=locator)


def chunks(*blocks: Block) -> list[ChunkDraft]:
    return chunk_document("护士条例", list(blocks), tokens)


def test_one_article_is_one_chunk_with_its_heading_as_context() -> None:
    found = chunks(
        Block(BlockType.HEADING, "第一章 总则", level=3),
        paragraph("第一条 为了维护护士的合法权益，制定本条例。", "第一章 总则", locator="第一条"),
        paragraph("第二条 本条例所称护士，是指经执业注册的人员。", "第一章 总则", locator="第二条"),
    )
    assert [chunk.locator for chunk in found] == ["第一条", "第二条"]
    assert found[0].heading_path == ("第一章 总则",)
    assert found[0].text.startswith("第一条 为了")


def test_paragraphs_and_items_of_an_article_stay_with_it() -> None:
    found = chunks(
        paragraph("第七条 申请注册，应当具备下列条件：", locator="第七条"),
        Block(BlockType.LIST, "（一）具有完全民事行为能力；", locator="第七条"),
        Block(BlockType.LIST, "（二）通过考试。", locator="第七条"),
        paragraph("第八条 有效期为5年。", locator="第八条"),
    )
    assert len(found) == 2
    assert "（二）通过考试。" in found[0].text


def test_numbered_clauses_are_chunks_of_their_own() -> None:
    found = chunks(paragraph("3.1 穿戴绝缘手套后方可操作。"), paragraph("3.2 操作后恢复围栏。"))
    assert [chunk.locator for chunk in found] == ["3.1", "3.2"]


def test_short_paragraphs_below_one_heading_are_packed_together_and_never_across_headings() -> None:
    found = chunks(
        paragraph("甲段。", "一"),
        paragraph("乙段。", "一"),
        Block(BlockType.HEADING, "二", level=2),
        paragraph("丙段。", "二"),
    )
    assert [chunk.text for chunk in found] == ["甲段。\n乙段。", "丙段。"]


def test_a_table_that_fits_stays_whole() -> None:
    table = Block(BlockType.TABLE, "", table=[["项目", "限值"], ["血钾", "6.0"], ["血糖", "2.2"]])
    found = chunks(Block(BlockType.TABLE, "项目 限值 血钾 6.0", table=table.table))
    assert [chunk.text for chunk in found] == ["项目 | 限值\n血钾 | 6.0\n血糖 | 2.2"]


def test_a_long_table_is_cut_between_rows_and_repeats_its_header() -> None:
    rows = [["药品", "限量"], *[[f"药品{number:03d}", "每日不超过一片"] for number in range(100)]]
    found = chunks(Block(BlockType.TABLE, "药品 限量", table=rows))
    assert len(found) > 1
    assert all(chunk.text.startswith("药品 | 限量\n") for chunk in found)
    lines = [line for chunk in found for line in chunk.text.splitlines()[1:]]
    assert lines == [" | ".join(row) for row in rows[1:]]


def test_a_long_article_is_cut_at_sentence_ends_below_the_limit() -> None:
    text = "第九条 " + "护士执业应当遵守法律。" * 120
    found = chunks(paragraph(text, locator="第九条"))
    assert len(found) > 1
    assert all(chunk.locator == "第九条" for chunk in found)
    assert all(tokens(chunk.context("护士条例")) + tokens(chunk.text) <= TOKEN_LIMIT for chunk in found)
    assert all(chunk.text.endswith("。") for chunk in found)


def test_headings_alone_and_empty_blocks_make_no_chunk() -> None:
    assert chunks(Block(BlockType.HEADING, "第一章"), paragraph("   ")) == []


def test_page_and_box_come_from_the_first_block() -> None:
    assert chunks(paragraph("甲。", page=3))[0].page == 3
    assert chunks(paragraph("甲。", page=3))[0].box == (1, 2, 3, 4)


sentence = st.text(alphabet="甲乙丙丁戊己庚辛。；，\n （一）第三条abc 12", min_size=1, max_size=700)


@given(st.lists(sentence, min_size=1, max_size=6))
def test_every_span_is_literally_its_block(texts: list[str]) -> None:
    blocks = [paragraph(text) for text in texts]
    for chunk in chunk_document("标题", blocks, tokens):
        for span in chunk.spans:
            length = span.end - span.start
            source = blocks[span.block].text[span.block_start : span.block_start + length]
            assert chunk.text[span.start : span.end] == source


@given(st.lists(sentence, min_size=1, max_size=6))
def test_no_visible_character_of_a_document_is_lost(texts: list[str]) -> None:
    blocks = [paragraph(text) for text in texts]
    joined = "".join(chunk.text for chunk in chunk_document("标题", blocks, tokens))
    assert "".join(joined.split()) == "".join("".join(texts).split())


def test_an_article_of_many_paragraphs_stays_one_chunk_up_to_the_limit() -> None:
    parts = [paragraph("第九条 医师应当依法执业。" + "甲" * 150, locator="第九条")]
    parts += [paragraph("乙" * 150, locator="第九条"), paragraph("丙" * 150, locator="第九条")]
    found = chunks(*parts, paragraph("第十条 略。", locator="第十条"))
    assert [chunk.locator for chunk in found] == ["第九条", "第十条"]
    assert found[0].text.endswith("丙" * 150)


def test_the_parts_of_an_article_that_is_too_long_are_of_like_size_and_keep_its_number() -> None:
    text = "第九条 " + "护士执业应当遵守法律。" * 48
    found = chunks(paragraph(text, locator="第九条"))
    sizes = [len(chunk.text) for chunk in found]
    assert len(found) == 2
    assert min(sizes) > 0.6 * max(sizes)


def test_target_and_limit_can_be_chosen() -> None:
    blocks = [paragraph("医疗废物分类收集。" * 8, "一") for _ in range(8)]
    small = chunk_document("标题", blocks, tokens, target=80, limit=200)
    large = chunk_document("标题", blocks, tokens, target=400, limit=500)
    assert len(small) > len(large)
    assert all(len(chunk.text) <= 200 for chunk in small)


def test_a_row_longer_than_the_limit_is_cut_and_every_piece_repeats_the_header() -> None:
    rows = [["项目", "说明"], ["血钾", "立即复查。" * 200]]
    found = chunks(Block(BlockType.TABLE, table_text(rows), table=rows))
    assert len(found) > 1
    assert all(chunk.text.startswith("项目 | 说明\n") for chunk in found)
    assert all(tokens(chunk.text) <= TOKEN_LIMIT for chunk in found)


def test_a_merged_cell_points_to_the_one_place_where_its_words_stand() -> None:
    once = [["科室", "项目"], ["内科", "血钾"], ["", "血糖"]]
    filled = [["科室", "项目"], ["内科", "血钾"], ["内科", "血糖"]]
    block = Block(BlockType.TABLE, table_text(once), table=filled)
    (found,) = chunks(block)
    places = {found.text[span.start : span.end]: span.block_start for span in found.spans}
    assert places["内科"] == block.text.index("内科")
    assert literal(found, [block])


# Blanks in a row become one when a row is read; where nothing of a table is literal, its one span is the whole block.
cell = st.text(alphabet="甲乙丙 12|ab", max_size=12).map(lambda text: " ".join(text.split()))


@given(st.lists(st.lists(cell, min_size=3, max_size=3), min_size=1, max_size=60))
def test_every_span_of_a_table_is_literally_its_block(rows: list[list[str]]) -> None:
    block = Block(BlockType.TABLE, table_text(rows), table=rows)
    if not block.text.strip():
        return
    for chunk in chunk_document("标题", [block], tokens, target=40, limit=120):
        assert literal(chunk, [block])


def literal(chunk: ChunkDraft, blocks: list[Block]) -> bool:
    return all(
        chunk.text[span.start : span.end]
        == blocks[span.block].text[span.block_start : span.block_start + span.end - span.start]
        for span in chunk.spans
    )
