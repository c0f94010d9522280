"""XML gives its words: titles, tables and records by their names, never a tag, never what an entity points at."""

from pathlib import Path

from liaoyuan.knowledge.parse.blocks import BlockType, ParsedDocument
from tests.unit.knowledge_parse.conftest import Parse

ARTICLE = """<?xml version="1.0"?><!DOCTYPE article SYSTEM "http://example.invalid/article.dtd">
<article><front><article-title>断路器<italic>检修</italic>导则</article-title></front><body>
<sec><label>1</label><title>范围</title><p>本导则适用于 110&#160;kV <xref>断路器</xref>&mdash;及其操动机构。</p>
<sec><title>术语</title><list><list-item><p>分闸时间</p></list-item></list></sec></sec>
<table-wrap><caption><title>试验项目</title></caption><table>
<thead><tr><th>项目</th><th colspan="2">限值</th></tr></thead>
<tbody><tr><td rowspan="2">电阻</td><td>A</td><td>50 μΩ</td></tr><tr><td>B</td><td>60 μΩ</td></tr></tbody></table>
</table-wrap></body></article>"""


def read(parse: Parse, path: Path, text: str, encoding: str = "utf-8") -> ParsedDocument:
    path.write_bytes(text.encode(encoding))
    document = parse(path).document
    assert document is not None
    return document


def test_an_article_gives_titles_paragraphs_items_and_tables(tmp_path: Path, parse: Parse) -> None:
    document = read(parse, tmp_path / "导则.xml", ARTICLE)
    assert document.title == "断路器检修导则"
    assert document.media_type == "application/xml"
    shapes = [(block.type, block.text) for block in document.blocks]
    assert shapes[:5] == [
        (BlockType.HEADING, "断路器检修导则"),
        (BlockType.HEADING, "1 范围"),
        (BlockType.PARAGRAPH, "本导则适用于 110 kV 断路器—及其操动机构。"),
        (BlockType.HEADING, "术语"),
        (BlockType.LIST, "分闸时间"),
    ]
    assert document.blocks[4].heading_path == ("1 范围", "术语")
    table = document.blocks[-1]
    assert table.table == [["项目", "限值", ""], ["电阻", "A", "50 μΩ"], ["电阻", "B", "60 μΩ"]]


def test_records_become_a_table_and_single_values_keep_their_names(tmp_path: Path, parse: Parse) -> None:
    rows = "".join(f"<device id='{n}'><name>{n}号主变</name><capacity>{n * 50}</capacity></device>" for n in (1, 2))
    station = f"<station><name>东站</name><voltage unit='kV'>110</voltage><devices>{rows}</devices></station>"
    document = read(parse, tmp_path / "台账.xml", f'<?xml version="1.0" encoding="GBK"?>{station}', "gbk")
    assert [block.text for block in document.blocks if block.table is None] == ["name: 东站\nvoltage: 110"]
    (table,) = (block for block in document.blocks if block.table)
    assert table.table == [["id", "name", "capacity"], ["1", "1号主变", "50"], ["2", "2号主变", "100"]]


def test_tables_with_entries_and_workbooks_of_xml_are_read_as_tables(tmp_path: Path, parse: Parse) -> None:
    entries = (
        "<doc><table><tgroup cols='3'><thead>"
        "<row><entry>项</entry><entry namest='c2' nameend='c3'>值</entry></row></thead>"
        "<tbody><row><entry morerows='1'>甲</entry><entry>1</entry><entry>2</entry></row>"
        "<row><entry>3</entry><entry>4</entry></row></tbody></tgroup></table></doc>"
    )
    assert read(parse, tmp_path / "a.xml", entries).blocks[0].table == [
        ["项", "值", ""], ["甲", "1", "2"], ["甲", "3", "4"],
    ]  # fmt: skip
    book = (
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table>'
        "<Row><Cell><Data>站名</Data></Cell><Cell><Data>负荷</Data></Cell></Row>"
        "<Row><Cell><Data>东站</Data></Cell><Cell><Data>35</Data></Cell></Row></Table></Worksheet></Workbook>"
    )
    assert read(parse, tmp_path / "b.xml", book).blocks[0].table == [["站名", "负荷"], ["东站", "35"]]


def test_a_feed_gives_the_pages_in_it_without_their_markup(tmp_path: Path, parse: Parse) -> None:
    item = "<item><title>停电公告</title>"
    item += "<description>&lt;p&gt;今晚&lt;b&gt;检修&lt;/b&gt;。&lt;/p&gt;</description></item>"
    document = read(parse, tmp_path / "rss.xml", f'<?xml version="1.0"?><rss><channel>{item}</channel></rss>')
    assert [block.text for block in document.blocks] == ["停电公告", "今晚检修。"]


def test_entities_and_damage_cost_words_and_no_more(tmp_path: Path, parse: Parse) -> None:
    outside = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d><p>前&x;后</p></d>'
    assert read(parse, tmp_path / "a.xml", outside).text.replace("&x;", "") == "前后"
    laughs = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "哈">{laughs}]><d><p>正文&e8;</p></d>'
    assert len(read(parse, tmp_path / "b.xml", bomb).text) < 20
    assert "第一段" in read(parse, tmp_path / "c.xml", "<?xml version='1.0'?><d><p>第一段</p><p>第二").text
    (tmp_path / "d.xml").write_text("<?xml version='1.0'?><d>" + "<a>" * 50_000 + "深" + "</a>" * 50_000 + "</d>")
    assert parse(tmp_path / "d.xml").state in {"ready", "rejected"}
    assert parse(tmp_path / "c.xml").state == "ready"
