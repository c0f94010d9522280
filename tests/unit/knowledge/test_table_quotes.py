"""What is quoted from a table: the row that was asked for, one citation, with the names of its columns beside it."""

from liaoyuan.knowledge.answer import Citation, compose, verdicts
from liaoyuan.knowledge.extract import Quote, extract
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.rank import FEATURES, Candidate, Ranked, Statistics

HEADER = "电压等级 | 边线延伸距离 | 巡视周期 | 责任班组 | 备注与说明"
ROWS = [
    "1—10千伏 | 5米 | 每季度一次，汛期每月一次 | 配电一班 | 城区线路另见城区配电线路巡视安排的有关说明",
    "35—110千伏 | 10米 | 每月一次，迎峰度夏期间每半月一次 | 输电一班 | 跨越高速公路的区段由输电一班与交通部门会同检查",
    "154—330千伏 | 15米 | 每月一次，雷雨季节后加巡一次 | 输电二班 | 同塔双回线路按双回分别记录巡视结果并归档",
    "500千伏 | 20米 | 每月两次，无人机与人工交替进行 | 输电三班 | 重要输电通道由省公司统一安排特殊巡视与红外测温",
]
# Long enough that it is not quoted whole.
OTHERS = [
    f"{place} | 不适用 | 每年一次 | 变电班 | 站内设备另按变电站巡视规程执行，不列入线路巡视"
    for place in ("开关站", "换流站", "配电室", "环网柜")
]
TABLE = "\n".join([HEADER, *ROWS, *OTHERS])


def quotes(question: str, text: str = TABLE) -> list[Quote]:
    candidate = Candidate("c1", "电力线路保护区", "", text, 0.9, 5.0)
    ranked = [Ranked(candidate, 5.0, dict.fromkeys(FEATURES, 0.0))]
    return extract(analyse(question), ranked, Statistics(10, {"千伏": 1}, 12.0))


def cited(quote: Quote) -> Citation:
    return Citation("电力线路保护区", "", "", 1, None, quote.text, quote.chunk_id, quote.score, header=quote.header)


def test_a_row_is_one_citation_that_brings_the_names_of_its_columns_along() -> None:
    (quote,) = quotes("500千伏线路的边线延伸距离是多少米？")
    assert quote.text == ROWS[3]
    assert TABLE[quote.start : quote.end] == quote.text
    assert quote.header == HEADER


def test_the_answer_reads_with_its_header_and_every_line_of_it_is_carried_by_the_one_citation() -> None:
    citations = [cited(quote) for quote in quotes("500千伏线路的边线延伸距离是多少米？")]
    answer = compose(citations)
    assert answer == f"{HEADER}\n{ROWS[3]} [1]"
    told = verdicts(answer, citations)
    assert told
    assert all(verdict.supported for verdict in told)
    assert {verdict.citation for verdict in told} <= {1, None}


def test_rows_below_each_other_are_one_citation_and_rows_apart_share_their_header() -> None:
    below = quotes("输电一班和输电二班负责的线路多久巡视一次？")
    assert all(quote.header == HEADER and quote.text != HEADER for quote in below)
    apart = [Quote("c1", 0, 0, ROWS[0], 1.0, HEADER), Quote("c1", 0, 0, ROWS[3], 1.0, HEADER)]
    answer = compose([cited(quote) for quote in apart])
    assert answer.count(HEADER) == 1
    assert answer.endswith(f"{ROWS[0]} [1]\n{ROWS[3]} [2]")


def test_neighbouring_rows_of_one_name_are_quoted_as_one_passage() -> None:
    table = "\n".join([HEADER, ROWS[0], ROWS[3], ROWS[3].replace("20米", "25米"), ROWS[1], *OTHERS])
    (quote,) = quotes("500千伏线路的边线延伸距离是多少米？", table)
    assert quote.text.count("\n") == 1
    assert table[quote.start : quote.end] == quote.text


def test_prose_has_no_header() -> None:
    (quote,) = quotes("电压等级是指什么？", "第二条 电压等级是指电力线路的额定电压。")
    assert quote.header == ""


def test_of_a_table_in_pieces_only_the_piece_is_quoted_that_names_what_was_asked() -> None:
    pieces = ["\n".join([HEADER, *ROWS]), "\n".join([HEADER, *OTHERS])]
    ranked = [
        Ranked(Candidate(f"c{place}", "电力线路保护区", "", text, 0.9, 5.0), 5.0, dict.fromkeys(FEATURES, 0.0))
        for place, text in enumerate(pieces)
    ]
    found = extract(analyse("500千伏线路的边线延伸距离是多少米？"), ranked, Statistics(10, {"千伏": 1}, 12.0))
    assert {quote.chunk_id for quote in found} == {"c0"}
    both = extract(analyse("巡视周期分别有哪些？"), ranked, Statistics(10, {"巡视": 1}, 12.0))
    assert {quote.chunk_id for quote in both} == {"c0", "c1"}
