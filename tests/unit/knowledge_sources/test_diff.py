"""What a reader is told about a new version: which words, cells and paragraphs changed, and what only moved."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.knowledge.diff.compare import Change, Comparison, compare
from liaoyuan.knowledge.diff.kept import comparison_read, comparison_write
from liaoyuan.knowledge.diff.words import Part, words_diff
from liaoyuan.knowledge.parse.blocks import Block, BlockType
from liaoyuan.portal.sources.versions import CHANGES, steps


def paragraphs(*texts: str) -> list[Block]:
    return [Block(BlockType.PARAGRAPH, text, page=1 + place // 3) for place, text in enumerate(texts)]


def kinds(found: Comparison) -> list[str]:
    return [change.kind for change in found.changes]


def marked(parts: tuple[Part, ...]) -> str:
    signs = {"same": "{}", "removed": "[-{}-]", "added": "[+{}+]"}
    return "".join(signs[part.kind].format(part.text) for part in parts)


def test_a_changed_number_is_marked_alone() -> None:
    assert (
        marked(words_diff("暂时贮存的时间不得超过2天。", "暂时贮存的时间不得超过3天。"))
        == "暂时贮存的时间不得超过[-2-][+3+]天。"
    )
    assert marked(words_diff("负荷率为 85.5%", "负荷率为 90%")) == "负荷率为 [-85.5%-][+90%+]"
    assert marked(words_diff("within two days", "within three days")) == "within [-two-][+three+] days"


def test_one_shared_letter_between_two_changes_is_no_island() -> None:
    assert marked(words_diff("由护士长排班", "按主任长值守")) == "[-由护士长排班-][+按主任长值守+]"


@given(st.text(alphabet="甲乙丙丁ab 1.。\n", max_size=60), st.text(alphabet="甲乙丙丁ab 1.。\n", max_size=60))
def test_the_parts_give_both_texts_back(before: str, after: str) -> None:
    parts = words_diff(before, after)
    assert "".join(part.text for part in parts if part.kind != "added") == before
    assert "".join(part.text for part in parts if part.kind != "removed") == after


def test_added_removed_and_changed_paragraphs_are_told_apart() -> None:
    before = paragraphs("第一条 总则不变。", "第二条 夜班护士每班不得少于两人。", "第三条 本条将被删除。")
    after = paragraphs("第一条 总则不变。", "第二条 夜班护士每班不得少于三人。", "附录 新增的联系电话一览表如下。")
    found = compare(before, after)
    assert found.counts == {"same": 1, "changed": 1, "added": 1, "removed": 1, "moved": 0}
    changed = next(change for change in found.changes if change.kind == "changed")
    assert marked(changed.parts) == "第二条 夜班护士每班不得少于[-两-][+三+]人。"


def test_a_paragraph_that_moved_is_not_called_deleted_and_new() -> None:
    texts = [f"第{n}条 这是第 {n} 段内容，各不相同：{'甲乙丙丁戊己庚辛'[n]}。" for n in range(8)]
    found = compare(paragraphs(*texts), paragraphs(*texts[1:6], texts[0], *texts[6:]))
    assert found.counts["moved"] == 1 and not found.counts["added"] and not found.counts["removed"]
    moved = next(change for change in found.changes if change.kind == "moved")
    assert moved.before and moved.after and (moved.before.block, moved.after.block) == (0, 5)


def test_one_that_moved_and_changed_a_little_shows_its_words() -> None:
    long = "医疗废物由指定的单位集中处置，任何科室不得转让、买卖医疗废物，违者按照规定处理"
    rest = [
        "设备每日巡检一次并记录",
        "夜班由两名护士负责值守",
        "考试成绩在三日内公布完毕",
        "操作票须经监护人签字方可执行",
    ]
    found = compare(paragraphs(long + "。", *rest), paragraphs(*rest, long + "并通报。"))
    moved = [change for change in found.changes if change.kind == "moved"]
    assert len(moved) == 1 and "[+并通报+]" in marked(moved[0].parts)


def test_spaces_and_full_width_forms_are_no_difference() -> None:
    found = compare(paragraphs("第一条　贮存不得超过２天。"), paragraphs("第一条 贮存不得超过2天。"))
    assert found.equal


def table(*rows: list[str]) -> list[Block]:
    return [Block(BlockType.TABLE, "\n".join(" ".join(row) for row in rows), table=list(rows))]


def test_a_table_is_compared_by_cell() -> None:
    before = table(["药品", "剂量"], ["阿莫西林", "0.5g"], ["头孢", "1g"])
    after = table(["药品", "剂量"], ["阿莫西林", "0.25g"], ["布洛芬", "0.2g"], ["头孢", "1g"])
    (change,) = compare(before, after).changes
    assert [(row.kind, row.number) for row in change.rows] == [
        ("same", 1), ("changed", 2), ("added", 3), ("same", 4),
    ]  # fmt: skip
    assert [cell.kind for cell in change.rows[1].cells] == ["same", "changed"]
    assert marked(change.rows[1].cells[1].parts) == "[-0.5-][+0.25+]g"


def test_a_new_column_is_a_new_column() -> None:
    before = table(["药品", "剂量"], ["阿莫西林", "0.5g"])
    after = table(["药品", "频次", "剂量"], ["阿莫西林", "每日三次", "0.5g"])
    (change,) = compare(before, after).changes
    assert [[cell.kind for cell in row.cells] for row in change.rows] == [["same", "added", "same"]] * 2


def kept(found: Comparison, folder: Path) -> Comparison:
    comparison_write(found, folder / "diff")
    return comparison_read(folder / "diff")


def test_a_comparison_is_read_again_as_it_was_written(tmp_path: Path) -> None:
    before = table(["甲"], ["乙"]) + paragraphs("一二三四", "行\n分隔\u2028符\x85在内", "此段不再出现在新版本里")
    found = compare(
        before, table(["甲"], ["丙"]) + paragraphs("一二三五", "行\n分隔\u2028符\x85在内", "全新的一段话，前所未有")
    )
    again = kept(found, tmp_path)
    assert list(again.changes) == list(found.changes) and again.counts == found.counts
    assert again.kinds == found.kinds and len(again.changes) == len(found.changes)
    assert [change.kind for change in again.changes[1:3]] == found.kinds[1:3]


BOOK = 20_000  # the paragraphs of some two thousand pages


def page_of(n: int, words: str = "") -> Block:
    return Block(
        BlockType.PARAGRAPH, f"第{n}条 {n * 7919} 号设备由第{n % 89}班检查，{words}记录保存{n % 7}年。", page=n // 10
    )


@pytest.mark.slow
def test_two_thousand_pages_are_compared_kept_and_shown_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [page_of(n) for n in range(BOOK)]
    after = [page_of(n, "并拍照，" if n % 100 == 0 else "") for n in range(BOOK) if n % 1000 != 7]
    found = kept(compare(before, after), tmp_path)
    assert found.counts == {"same": BOOK - 220, "changed": 200, "added": 0, "removed": 20, "moved": 0}
    read: list[int] = []
    real = Change.from_dict
    monkeypatch.setattr(Change, "from_dict", lambda values: (read.append(1), real(values))[1])
    first, pages = steps(found, everything=False, page=1)
    last, again = steps(found, everything=False, page=pages)
    assert pages == again > 1 and {line.change.kind for line in last if line.change} <= {"same", "changed", "removed"}
    assert len(read) <= len(first) + len(last) <= 2 * CHANGES, "only what is shown is read"


@pytest.mark.slow
def test_a_book_in_which_every_paragraph_was_touched_is_still_the_same_book() -> None:
    found = compare([page_of(n) for n in range(BOOK)], [page_of(n, "并拍照，") for n in range(BOOK)])
    assert found.counts["changed"] > BOOK * 0.98
    anew = compare([page_of(n) for n in range(BOOK)], paragraphs(*(f"{n} 完全不同 {n * 104729}" for n in range(BOOK))))
    assert anew.counts["same"] == 0 and anew.counts["changed"] < BOOK * 0.01


def test_a_large_document_is_compared_in_bounded_work() -> None:
    """Thousands of blocks, two percent changed, and one that was written anew as a whole."""
    before = paragraphs(*(f"第{n}条 {n * 7919} 内容 {n % 97}" for n in range(4_000)))
    after = [Block(BlockType.PARAGRAPH, b.text + ("改" if n % 50 == 0 else "")) for n, b in enumerate(before)]
    began = time.process_time()
    assert compare(before, after).counts["changed"] == 80
    anew = compare(before, paragraphs(*(f"{n} 完全不同 {n * 104729}" for n in range(4_000))))
    assert anew.counts["same"] == 0
    # A quadratic comparison of these would take hours.
    assert time.process_time() - began < 30


def test_a_table_that_moved_is_still_compared_by_cell() -> None:
    head, tail = paragraphs("第一条 夜班护士每班不得少于两人。"), paragraphs("第四条 护士长每周检查一次护理记录。")
    before = [*head, *table(["科室", "人数"], ["内科", "2"]), *tail]
    after = [*tail, *table(["科室", "人数"], ["内科", "4"], ["儿科", "2"]), *head]
    moved = [change for change in compare(before, after).changes if change.rows]
    assert [change.kind for change in moved] == ["moved"]
    assert [row.kind for row in moved[0].rows] == ["same", "changed", "added"]
