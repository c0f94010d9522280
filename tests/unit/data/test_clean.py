"""Operators on passages: what is dropped, why, and what is left as it was."""

import re

import pytest

from liaoyuan.data.operators.clean import deduplicate, lsh_bands, mask_pii, normalise, quality
from liaoyuan.industry.schemas.recipe import Deduplicate, MaskPii, Normalise, Quality
from liaoyuan.security.ports import PiiPort
from tests.unit.data.passages import passage, reasons, texts

NORMALISE = Normalise(operator="normalise")
DEDUPLICATE = Deduplicate(operator="deduplicate", threshold=0.8)
LONG = (
    "医疗机构应当建立健全手卫生管理制度，"
    "医务人员在接触患者前后、进行清洁或者无菌操作前均应当按照规程洗手或者使用速干手消毒剂。"
)


def test_widths_and_white_space_are_folded_and_chinese_punctuation_keeps_its_width() -> None:
    outcome = normalise([passage("第１２条　 ＡＢＣ，共３项。\n\n\n\n 末行 ")], NORMALISE)
    assert texts(outcome) == ["第12条 ABC，共3项。\n\n末行"]
    assert outcome.changed == 1 and outcome.drops == []


def test_folding_of_widths_can_be_left_off() -> None:
    kept = normalise([passage("第１２条")], Normalise(operator="normalise", fold_width=False))
    assert texts(kept) == ["第１２条"] and kept.changed == 0


@pytest.mark.parametrize("text", ["第 3 页", "第3页 共 12 页", "- 7 -", "12", "Page 3 of 10", "第１２页"])
def test_page_numbers_are_dropped(text: str) -> None:
    assert [reason for _, reason in reasons(normalise([passage(text)], NORMALISE))] == ["page_number"]


@pytest.mark.parametrize("text", ["第3条", "12 小时", "2026 年", "Page 3 lists the doses"])
def test_what_only_looks_like_a_page_number_stays(text: str) -> None:
    assert texts(normalise([passage(text)], NORMALISE)) == [text]


def test_a_line_that_repeats_over_the_pages_is_dropped_however_its_width_varies() -> None:
    pages = [passage("某医院　２０２６版" if n % 2 else "某医院 2026版", page=n) for n in range(1, 5)]
    outcome = normalise([*pages, passage("某医院 2026版", document="d2", page=1)], NORMALISE)
    assert [item.document for item in outcome.items] == ["d2"]
    assert {reason for _, reason in reasons(outcome)} == {"boilerplate"}


def test_a_line_on_three_of_thirty_pages_is_content() -> None:
    body = [passage(f"正文第{n}段。", page=n) for n in range(1, 31)]
    again = [passage("合计：见附表", page=n) for n in (3, 9, 20)]
    assert normalise([*body, *again], NORMALISE).drops == []


def test_boilerplate_stays_where_the_recipe_says_so() -> None:
    pages = [passage("某医院", page=n) for n in range(4)] + [passage("第 3 页", page=3)]
    assert normalise(pages, Normalise(operator="normalise", strip_boilerplate=False)).drops == []


def test_blank_passages_are_dropped_as_empty() -> None:
    assert [reason for _, reason in reasons(normalise([passage(" \u3000\n")], NORMALISE))] == ["empty"]


def test_a_near_copy_is_dropped_and_names_what_was_kept() -> None:
    first, copy, other = passage(LONG), passage(LONG.replace("按照", "依照")), passage("值班护士每两小时巡视一次病房。")
    outcome = deduplicate([first, copy, other], DEDUPLICATE)
    assert outcome.items == [first, other]
    assert [(drop.id, drop.reason, drop.like) for drop in outcome.drops] == [(copy.id, "near_duplicate", first.id)]


def test_the_threshold_decides() -> None:
    near = [passage(LONG), passage(LONG.replace("医务人员", "工作人员").replace("按照", "依照"))]
    assert len(deduplicate(near, Deduplicate(operator="deduplicate", threshold=0.55)).items) == 1
    assert len(deduplicate(near, Deduplicate(operator="deduplicate", threshold=0.99)).items) == 2


def test_an_exact_copy_is_dropped_even_at_the_highest_threshold() -> None:
    exact = [passage("短句。"), passage("短 句。")]
    assert len(deduplicate(exact, Deduplicate(operator="deduplicate", threshold=1.0)).items) == 1


@pytest.mark.parametrize("permutations", [32, 100, 128, 131, 512])
@pytest.mark.parametrize("threshold", [0.55, 0.7, 0.85, 1.0])
def test_bands_divide_any_number_of_permutations_and_find_pairs_at_the_threshold(
    permutations: int, threshold: float
) -> None:
    params = Deduplicate(operator="deduplicate", threshold=threshold, permutations=permutations)
    bands = lsh_bands(params)
    assert permutations % bands == 0
    assert 1 - (1 - threshold ** (permutations // bands)) ** bands >= 0.99
    assert len(deduplicate([passage(LONG), passage(LONG)], params).items) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("太短。", "too_short"),
        ("长" * 60, "too_long"),
        ("……——※※※★★★（）【】！！", "symbols"),
        ("请立即洗手并消毒双手。" * 4, "repetition"),
        ("医务人员接触患者前后应当洗手。", ""),
    ],
)
def test_quality_names_the_flaw(text: str, reason: str) -> None:
    params = Quality(operator="quality", min_characters=8, max_characters=50, max_repetition=0.05)
    assert [why for _, why in reasons(quality([passage(text)], params))] == ([reason] if reason else [])


def test_the_same_person_has_one_pseudonym_wherever_they_are_named() -> None:
    said = ["患者张伟明，电话13800138000。", "请联系患者张伟明，电话 138-0013-8000 或 13800138000。"]
    outcome = mask_pii([passage(text) for text in said], MaskPii(operator="mask_pii"), scanner=PiiPort(), key=b"k" * 32)
    joined = "".join(texts(outcome))
    assert "张伟明" not in joined and "13800138000" not in joined
    for label in ("PERSON", "PHONE"):
        assert len(set(re.findall(rf"\[{label}-[0-9a-f]{{8}}\]", joined))) == 1, joined
    assert outcome.changed == 2
    assert outcome.numbers["masked"]["PERSON"] == 2


def test_another_key_gives_another_pseudonym_that_nobody_can_link() -> None:
    one, other = (
        texts(mask_pii([passage("患者张伟明已出院。")], MaskPii(operator="mask_pii"), scanner=PiiPort(), key=key))
        for key in (b"a" * 32, b"b" * 32)
    )
    assert one != other and one[0].startswith("患者[PERSON-")


def test_labels_that_the_pack_keeps_stay_and_the_others_beside_them_do_not() -> None:
    params = MaskPii(operator="mask_pii", keep=("PHONE",))
    text = "患者张伟明，电话13800138000，身份证号11010519491231002X。"
    masked = texts(mask_pii([passage(text)], params, scanner=PiiPort(), key=b"k" * 32))[0]
    assert "13800138000" in masked
    assert "张伟明" not in masked and "11010519491231002X" not in masked


def test_a_text_without_personal_data_is_left_to_the_letter() -> None:
    outcome = mask_pii([passage(LONG)], MaskPii(operator="mask_pii"), scanner=PiiPort(), key=b"k" * 32)
    assert texts(outcome) == [LONG] and outcome.changed == 0
