"""Small documents, imported by the real services with the real embedding engine."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import ProcessEmbedder
from liaoyuan.knowledge.answer import KnowledgeAnswer, answer_question
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.services import FileOutcome, documents_import

WASTE = """# 医疗废物管理办法

## 第一章 总则

第一条 为了加强医疗废物的安全管理，防止疾病传播，制定本办法。

第二条 医疗废物由指定的单位集中处置，任何科室不得转让、买卖医疗废物。

## 第二章 贮存

第三条 医疗废物暂时贮存的时间不得超过2天。

第四条 有下列情形之一的，由后勤保障部责令改正：
（一）贮存设施没有明显的警示标识；
（二）未将医疗废物按照类别分置；
（三）未使用专用运送工具。
"""
NURSING = """# 护理值班制度

第一条 值班护士应当在交班前30分钟完成护理记录。

第二条 夜班护士每班不得少于两人，由护士长排班。
"""


@pytest.fixture(scope="session")
def engine() -> ProcessEmbedder:
    return ProcessEmbedder(threads=1)


Import = Callable[..., list[FileOutcome]]
Ask = Callable[..., KnowledgeAnswer]


@pytest.fixture
def bring(organization: Any, engine: ProcessEmbedder, tmp_path: Path) -> Import:
    """``bring({"a.md": text}, groups=…)`` imports files into the collection 制度 of ``organization``."""

    def run(files: dict[str, str | bytes], *, into: Any = None, **options: Any) -> list[FileOutcome]:
        folder = tmp_path / "documents"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / name).write_bytes(data)
        return documents_import(
            organization_id=(into or organization).id,
            collection="制度",
            paths=[folder],
            **{"engine": engine} | options,
        )

    return run


@pytest.fixture
def ask(organization: Any, engine: ProcessEmbedder) -> Ask:
    def run(question: str, *, groups: tuple[str, ...] | None = None, of: Any = None, **options: Any) -> KnowledgeAnswer:
        with tenant_context((of or organization).id, groups=groups):
            collection = collection_by_name("制度")
            return answer_question(collection.id, question, engine=engine, **options)

    return run


@pytest.fixture
def two_documents(bring: Import) -> Iterator[list[FileOutcome]]:
    yield bring({"医疗废物管理办法.md": WASTE, "护理值班制度.md": NURSING})
