"""Unseen documents that a browser prints: articles, columns, tables of every kind, letters, turned pages."""

from collections.abc import Callable

from benchmarks.parse_unseen_print import SKETCH, Made, h, li, p, raw
from benchmarks.parse_unseen_truth import Cell, Item, Words, table


def clauses() -> Made:
    """A standard with a table of contents, numbered clauses, a running head and a numbered foot."""
    words = Words(1)
    titles = ("范围", "规范性引用文件", "术语和定义", "一般要求", "试验方法")
    items = [h(1, "变电设备运行维护规程"), h(2, "目次")]
    for number, title in enumerate(titles, 1):
        dots = "." * 400
        shown = f"<p class=toc><span>{number} {title}</span><i>{dots}</i><span>{number * 2}</span></p>"
        items.append(Item("toc", f"{number} {title} …… {number * 2}", markup=shown))
    for number, title in enumerate(titles, 1):
        items += [h(2, f"{number} {title}"), p(words.chinese(4)), h(3, f"{number}.1 总则"), p(words.chinese(5))]
        items += [p(f"{number}.1.{step} {words.chinese(2)}") for step in (1, 2, 3)]
    return items, {"head": "Q/GDW 1168—2024", "foot": "第 {page} 页 共 {pages} 页", "look": "just"}


def two_columns() -> Made:
    """A Chinese journal article in two columns with a figure and notes at its end."""
    words = Words(2)
    items = [h(1, "输变电工程质量评价研究", "across"), p(words.chinese(3), "across")]
    for number in range(1, 4):
        items += [
            h(2, f"{number} 研究{'背景方法结论'[number * 2 - 2 : number * 2]}"),
            p(words.chinese(6)),
            p(words.chinese(5)),
        ]
        if number == 2:
            items += [Item("figure", markup=SKETCH), p("图 1 评价体系的层次结构", "note")]
    items += [p(f"[{number}] {words.chinese(1)}", "note") for number in (1, 2, 3)]
    return items, {"look": "two just indent", "foot": "{page}"}


def three_columns() -> Made:
    """An English newsletter in three columns."""
    words = Words(3)
    items = [h(1, "Grid and Campus Quarterly", "across")]
    for title in ("Maintenance season opens", "A new ward", "Letters to the editor"):
        items += [h(2, title), p(words.english(6)), p(words.english(7)), p(words.english(5))]
    return items, {"look": "three just", "head": "Vol. 12, No. 3", "foot": "Page {page} of {pages}"}


def paper() -> Made:
    """An English paper: abstract over both columns, formulas, a table and a caption in a column."""
    words = Words(4)
    formula = "<math display=block><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup></math>"
    rows = [["Ward", "Before", "After"]] + [
        [f"Ward {n}", words.figure(1, 90), words.figure(1, 90)] for n in range(1, 6)
    ]
    items = [h(1, "Waiting times after a change of schedule", "across"), p("Abstract. " + words.english(4), "across")]
    items += [h(2, "1 Introduction"), p(words.english(7)), p(words.english(6)), h(2, "2 Methods"), p(words.english(5))]
    items += [
        Item("formula", markup=formula, text="E=mc2"),
        p(words.english(6)),
        h(2, "3 Results"),
        p(words.english(4)),
    ]
    items += [p("Table 1. Median waiting time in minutes.", "note"), table(*rows, look="booked figures")]
    items += [p(words.english(6)), h(2, "4 Discussion"), p(words.english(9)), p(words.english(5))]
    return items, {"look": "two just", "foot": "{page}"}


def long_table() -> Made:
    """A ruled table over pages, its head of two rows repeated, a row of totals."""
    words = Words(5)
    rows: list[list[str | Cell]] = [
        [Cell("单位", down=2), Cell("人数", across=2), Cell("经费（万元）", across=2)],
        ["男", "女", "预算", "决算"],
    ]
    rows += [
        [f"第{number}供电所", str(words.number()), str(words.number()), words.figure(), words.figure()]
        for number in range(1, 66)
    ]
    rows.append(["合计", "2304", "1987", "98,231.50", "97,002.13"])
    return [h(1, "各单位人员与经费一览表"), p(words.chinese(1)), table(*rows, head=2, look="ruled figures")], {
        "foot": "— {page} —"
    }


def long_plain() -> Made:
    """A table of figures without rules over pages with narrow margins: its rows reach into the margins."""
    words = Words(6)
    rows = [["日期", "负荷（MW）", "电量（MWh）", "温度（℃）"]]
    rows += [
        [f"2024-{month:02}-{day:02}", words.figure(1), words.figure(2), words.figure(1, 38)]
        for month in range(1, 6)
        for day in range(1, 29)
    ]
    return [table(*rows, look="figures")], {"margin": "20px"}


def merged() -> Made:
    """Merged cells in the body, words in several lines, a column of units."""
    words = Words(7)
    rows: list[list[str | Cell]] = [["类别", "项目", "限值", "备注"]]
    for kind in ("油浸变压器", "断路器", "电缆"):
        rows.append([Cell(kind, down=3), "绝缘电阻", "≥ 1000 MΩ", Cell(words.chinese(1), down=3)])
        rows += [["介质损耗", "≤ 0.5 %"], ["直流电阻", "偏差 ≤ 2 %"]]
    rows.append([Cell("以上项目应在春检前完成", across=4)])
    return [h(1, "试验项目及限值"), p(words.chinese(2)), table(*rows, look="ruled"), p(words.chinese(2))], {}


def booked() -> Made:
    """Rules above and below only, words that wrap in their cells."""
    words = Words(8)
    rows = [["Item", "Requirement", "Evidence"]]
    rows += [[f"R{n}", words.english(1), f"Record {n}.{n + 2}, kept by the ward"] for n in range(1, 9)]
    return [
        h(1, "Requirements and evidence"),
        p(words.english(2)),
        table(*rows, look="booked"),
        p(words.english(2)),
    ], {}


def plain_table() -> Made:
    """No rules at all, Chinese words that wrap, figures to the right."""
    words = Words(9)
    rows = [["药品名称", "用法用量", "单价"]]
    rows += [
        [f"注射用{kind}", words.chinese(1), words.figure(2, 90)]
        for kind in ("头孢曲松", "奥美拉唑", "泮托拉唑", "万古霉素")
    ]
    return [h(1, "常用药品目录"), p(words.chinese(2)), table(*rows, look="figures"), p(words.chinese(3))], {}


def lined() -> Made:
    """Each row has a line below it and there are no upright rules; empty cells."""
    words = Words(10)
    rows = [["Course", "Credits", "Lecturer", "Room", "Remarks"]]
    rows += [
        [f"EE{n}0 Power systems {n}", str(n), f"Dr Li {n}", f"B{n}04", "" if n % 2 else "lab on Friday"]
        for n in range(2, 12)
    ]
    return [h(1, "Course list"), table(*rows, look="lines"), p(words.english(2))], {}


def striped() -> Made:
    """Coloured rows, a dark head with white words."""
    words = Words(11)
    rows = [["指标", "一季度", "二季度", "三季度"]]
    rows += [
        [name, *(words.figure(1) for _ in range(3))]
        for name in ("门诊量", "出院人次", "手术台次", "平均住院日", "床位使用率")
    ]
    return [h(1, "季度运营指标"), table(*rows, look="striped figures"), p(words.chinese(3))], {}


def side_by_side() -> Made:
    """Two tables beside each other."""
    words = Words(12)
    one = table(
        ["工种", "人数"], *([name, str(words.number())] for name in ("电工", "焊工", "起重工", "架子工")), look="ruled"
    )
    two = table(
        ["设备", "台数"],
        *([name, str(words.number())] for name in ("主变", "断路器", "隔离开关", "避雷器")),
        look="ruled",
    )
    opened = raw("<div style='display:flex;gap:30pt'><div style='flex:1'>")
    items = [
        h(1, "工种与设备"),
        p(words.chinese(2)),
        opened,
        one,
        raw("</div><div style='flex:1'>"),
        two,
        raw("</div></div>"),
    ]
    return [*items, p(words.chinese(2))], {}


def landscape() -> Made:
    """A wide table on a page across among upright ones."""
    words = Words(13)
    rows = [["站名", *(f"{month}月" for month in range(1, 13))]]
    rows += [[f"{name}站", *(str(words.number(100, 999)) for _ in range(12))] for name in "东南西北中"]
    items = [
        h(1, "月度负荷"),
        p(words.chinese(6)),
        raw("<div class=wide>"),
        h(2, "附表"),
        table(*rows, look="ruled middle"),
    ]
    return [*items, raw("</div>"), h(2, "说明"), p(words.chinese(4))], {"foot": "{page} / {pages}"}


def upright() -> Made:
    """Columns of Chinese from top to bottom, from right to left."""
    words = Words(14)
    return [h(1, "告同仁书", "upright"), *(p(words.chinese(2)) for _ in range(3))], {"look": "upright", "single": True}


def watermark() -> Made:
    """A mark across every page."""
    words = Words(15)
    items = [h(1, "内部资料管理办法")]
    for number in "一二三四五六":
        items += [h(2, f"{number}、管理要求之{number}"), p(words.chinese(6)), p(words.chinese(5))]
    return items, {"before": "<div class=mark>机密资料</div>", "foot": "{page}"}


def letter() -> Made:
    """One page with a letterhead, a number, a body and an address at the foot: all of it is content."""
    words = Words(16)
    head = Item(
        "h",
        "华东电力设计研究院文件",
        markup="<p class=center style='font-size:26pt;color:#c00;margin-top:-20pt'>华东电力设计研究院文件</p>",
    )
    foot = (
        "<p class=note style='position:fixed;bottom:0;left:0'>地址：上海市静安区延平路 409 号　电话：021-5566 7788</p>"
    )
    items = [head, p("华东电设〔2024〕17 号", "center"), h(2, "关于开展春季检修的通知", "center"), p("各分公司：")]
    items += [
        p(words.chinese(4)),
        p(words.chinese(3)),
        p("二〇二四年三月五日"),
        p("地址：上海市静安区延平路 409 号　电话：021-5566 7788", shown=foot),
    ]
    return items, {"margin": "60px", "single": True}


def form() -> Made:
    """A form: names and values in pairs."""
    words = Words(17)
    rows = [
        ["姓名", "王建国", "性别", "男"],
        ["年龄", "57 岁", "住院号", "ZY2024031588"],
        ["科室", "心内科", "床号", "23"],
    ]
    rows.append(["入院日期", "2024-03-11", "出院日期", "2024-03-19"])
    items = [h(1, "出院小结"), table(*rows, head=0, look="ruled pairs"), h(2, "入院情况"), p(words.chinese(3))]
    return [*items, h(2, "出院医嘱"), *(li(f"{n}. {words.chinese(1)}") for n in (1, 2, 3))], {"bare_lists": True}


def nested() -> Made:
    """Lists within lists, Chinese and English."""
    words = Words(18)
    items = [h(1, "Safety checklist 安全检查单")]
    for _ in range(4):
        items += [li(words.english(1)), li(words.chinese(1), 2), li(words.chinese(1), 3), li(words.english(1), 2)]
    return [*items, p(words.english(2))], {}


def boxed() -> Made:
    """A box with white words on dark ground between paragraphs."""
    words = Words(19)
    items = [
        h(1, "风险提示"),
        p(words.chinese(4)),
        p(words.chinese(2), "box"),
        p(words.chinese(4)),
        p(words.english(2), "box"),
    ]
    return [*items, p(words.chinese(2))], {}


def raised() -> Made:
    """Raised and lowered figures within words."""
    shown = (
        "<p>气体体积为 10<sup>−3</sup> m<sup>3</sup>，含 CO<sub>2</sub> 约 0.04 %，"
        "铜排截面 95 mm<sup>2</sup>，引文见文献<sup>[3]</sup>。</p>"
    )
    text = "气体体积为 10−3 m3，含 CO2 约 0.04 %，铜排截面 95 mm2，引文见文献[3]。"
    words = Words(20)
    return [
        h(1, "单位与符号"),
        p(words.chinese(3)),
        p(text, shown=shown),
        p(words.chinese(3)),
        p(text, shown=shown),
    ], {}


def narrow_table() -> Made:
    """A small table without rules whose cells are single words, between paragraphs."""
    words = Words(21)
    rows = [
        ["Name", "Dose", "Route"],
        ["Heparin", "5000 IU", "SC"],
        ["Aspirin", "100 mg", "PO"],
        ["Insulin", "8 U", "SC"],
    ]
    return [h(1, "Orders"), p(words.english(3)), table(*rows, look="narrow"), p(words.english(3))], {}


def nested_table() -> Made:
    """A table in a cell of a table."""
    words = Words(22)
    inner = "<table class=ruled><tr><td>甲班</td><td>8 人</td></tr><tr><td>乙班</td><td>9 人</td></tr></table>"
    shown = (
        "<table class=ruled><thead><tr><th>项目</th><th>安排</th></tr></thead><tbody>"
        f"<tr><td>值班</td><td>{inner}</td></tr><tr><td>检修</td><td>按月度计划</td></tr></tbody></table>"
    )
    items = [
        h(1, "值班安排"),
        p(words.chinese(2)),
        Item("nested", "项目安排值班甲班8人乙班9人检修按月度计划", markup=shown),
    ]
    return [*items, p(words.chinese(2))], {}


def split_heading() -> Made:
    """Two columns above and below a heading that spans them."""
    words = Words(23)
    items: list[Item] = [h(1, "年度技术报告", "across")]
    for title in ("设备篇", "人员篇"):
        items += [h(2, title, "across"), p(words.chinese(7)), p(words.chinese(6)), p(words.chinese(4))]
    return items, {"look": "two just"}


def turned_head() -> Made:
    """Names of columns that stand upright, as in narrow tables."""
    words = Words(24)
    rows: list[list[str | Cell]] = [
        ["项目", "春季", "夏季", "秋季"],
        *([f"检查项{n}", "是", "否", str(n * 3)] for n in range(1, 7)),
    ]
    return [h(1, "检查频次"), table(*rows, look="ruled turned"), p(words.chinese(2))], {
        "before": "<style>.turned th:not(:first-child){writing-mode:vertical-rl;height:60pt}</style>"
    }


def on_side() -> Made:
    """Words that lie on their side on a sheet across: once the page is marked as turned they stand upright."""
    place = "position:absolute;width:487pt;transform-origin:0 0;transform:translate(54pt,560pt) rotate(-90deg)"
    items = merged()[0]
    before = f"<style>@page{{size:A4 landscape;margin:0}}</style><div style='{place}'>"
    return items, {"before": before, "after": "</div>", "margin": "0"}


PAGES: dict[str, Callable[[], Made]] = {
    make.__name__: make
    for make in (
        *(
            clauses,
            two_columns,
            three_columns,
            paper,
            long_table,
            long_plain,
            merged,
            booked,
            plain_table,
            lined,
            striped,
        ),
        *(side_by_side, landscape, upright, watermark, letter, form, nested, boxed, raised, narrow_table, nested_table),
        *(split_heading, turned_head, on_side),
    )
}
